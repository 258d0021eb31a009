import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { AccessTokenClaims } from '../core/access-token.js';
import { AuthError } from '../core/errors.js';
import type { Clock } from '../core/ports.js';
import { CLOCK } from '../database/database.module.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { GenerationConfirmer } from './generation-confirmer.js';

/** Who sent a request, as its access token says: `request.user`. */
export interface AuthenticatedUser {
  readonly id: string;
  readonly roles: readonly string[];
  readonly session: AuthenticatedSession;
}

export interface AuthenticatedSession {
  readonly id: string;
  readonly generation: number;
}

const REMEMBERED_TOKENS = 10_000;

/** What follows the verification of a signature: expiry, revocation, confirmation. No database on the request's path. */
@Injectable()
export class AccessTokenAuthenticator {
  /** Verified tokens; the key is the token itself, so that nothing but the very same bytes is recognised. */
  private readonly verified = new LRUCache<string, AccessTokenClaims>({ max: REMEMBERED_TOKENS });

  constructor(
    private readonly revocations: RevocationService,
    private readonly confirmer: GenerationConfirmer,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** A token that was verified before is admitted again without another look at its signature; null: not known. */
  recall(token: string): AuthenticatedUser | null {
    const claims = this.verified.get(token);
    return claims ? this.admit(claims) : null;
  }

  /** From now on {@link recall} knows this token, whose signature was verified. */
  remember(token: string, claims: AccessTokenClaims): void {
    this.verified.set(token, claims);
  }

  /**
   * Admits a token whose signature, issuer and audience were verified.
   * @throws AuthError `ACCESS_TOKEN_EXPIRED`, `ACCESS_TOKEN_REVOKED`, `TEMPORARILY_UNAVAILABLE`
   */
  admit(claims: AccessTokenClaims): AuthenticatedUser {
    if (this.clock.now() >= claims.exp * 1000) throw new AuthError('ACCESS_TOKEN_EXPIRED');
    if (this.revocations.isRevoked(claims)) throw new AuthError('ACCESS_TOKEN_REVOKED');
    this.confirmer.see(claims.sid, claims.gen);
    return { id: claims.sub, roles: claims.roles, session: { id: claims.sid, generation: claims.gen } };
  }
}
