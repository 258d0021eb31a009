import { Injectable } from '@nestjs/common';
import type { AccessTokenClaims } from '../core/access-token.js';
import { AuthError } from '../core/errors.js';
import { Possession } from '../tokens/possession.js';
import { schemeOf } from './access-token-header.js';
import type { HttpRequest } from './http-request.js';
import { ProofReader } from './proof-reader.js';

/** Holds access tokens that are bound to a key to it (RFC 9449 §7). */
@Injectable()
export class AccessTokenBinding {
  constructor(
    private readonly proofs: ProofReader,
    private readonly possession: Possession,
  ) {}

  /**
   * A bound token needs the scheme `DPoP` and a proof, and another one must not come by that scheme.
   * @throws AuthError `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`, `ACCESS_TOKEN_INVALID`
   */
  check(request: HttpRequest, { cnf }: AccessTokenClaims): void {
    const isOfScheme = schemeOf(request) === 'DPoP';
    if (!cnf) {
      if (isOfScheme) throw new AuthError('ACCESS_TOKEN_INVALID');
      return;
    }
    // As a bearer token it comes without `ath` (RFC 9449 §7.2).
    this.possession.assertTokenHolder(cnf.jkt, isOfScheme ? this.proofs.of(request) : undefined);
  }
}
