import { Injectable } from '@nestjs/common';
import type { AccessTokenClaims } from '../core/access-token.js';
import { AuthError } from '../core/errors.js';
import { Possession } from '../tokens/possession.js';
import { schemeOf } from './access-token-header.js';
import type { HttpRequest } from './http-request.js';
import { ProofReader } from './proof-reader.js';

/** Requires proofs for access tokens that are bound to a key (RFC 9449 §7). */
@Injectable()
export class AccessTokenBinding {
  constructor(
    private readonly proofs: ProofReader,
    private readonly possession: Possession,
  ) {}

  /**
   * A bound token needs the scheme `DPoP` and a proof. An unbound token must not use that scheme.
   * @throws AuthError `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`, `ACCESS_TOKEN_INVALID`
   */
  check(request: HttpRequest, { cnf }: AccessTokenClaims): void {
    const isOfScheme = schemeOf(request) === 'DPoP';
    if (!cnf) {
      if (isOfScheme) throw new AuthError('ACCESS_TOKEN_INVALID');
      return;
    }
    // A bound token as `Bearer` counts as one without a proof (RFC 9449 §7.2).
    this.possession.assertTokenHolder(cnf.jkt, isOfScheme ? this.proofs.of(request) : undefined);
  }
}
