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

/** At once, unless `revocation.mode` is `strict`: a promise for each guarded request is felt. */
export type Admission = AuthenticatedUser | Promise<AuthenticatedUser>;

const REMEMBERED_TOKENS = 10_000;
/** All of an HMAC-SHA256 signature, and enough of any other to tell tokens apart. */
const END_LENGTH = 43;

interface VerifiedToken {
  readonly token: string;
  readonly claims: AccessTokenClaims;
}

function endOf(token: string): string {
  return token.slice(-END_LENGTH);
}

/** What follows the verification of a signature: expiry, revocation, confirmation. No database on the request's path. */
@Injectable()
export class AccessTokenAuthenticator {
  /** By the end of the token: to hash all of it costs more than all the rest of a guard. */
  private readonly verified = new LRUCache<string, VerifiedToken>({ max: REMEMBERED_TOKENS });

  constructor(
    private readonly revocations: RevocationService,
    private readonly confirmer: GenerationConfirmer,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** A token that was verified before is admitted again without another look at its signature; null: not known. */
  recall(token: string): Admission | null {
    const known = this.verified.get(endOf(token));
    // Nothing but the very same bytes is recognised.
    return known?.token === token ? this.admit(known.claims) : null;
  }

  /** From now on {@link recall} knows this token, whose signature was verified. */
  remember(token: string, claims: AccessTokenClaims): void {
    this.verified.set(endOf(token), { token, claims });
  }

  /** {@link recall} knows no token any more: the keys have changed. */
  forgetAll(): void {
    this.verified.clear();
  }

  /**
   * Admits a token whose signature, issuer and audience were verified.
   * @throws AuthError `ACCESS_TOKEN_EXPIRED`, `ACCESS_TOKEN_REVOKED`, `TEMPORARILY_UNAVAILABLE`
   */
  admit(claims: AccessTokenClaims): Admission {
    if (this.clock.now() >= claims.exp * 1000) throw new AuthError('ACCESS_TOKEN_EXPIRED');
    const revoked = this.revocations.isRevoked(claims);
    if (typeof revoked === 'boolean') return this.settle(claims, revoked);
    return revoked.then((isRevoked) => this.settle(claims, isRevoked));
  }

  private settle(claims: AccessTokenClaims, isRevoked: boolean): AuthenticatedUser {
    if (isRevoked) throw new AuthError('ACCESS_TOKEN_REVOKED');
    this.confirmer.see(claims.sid, claims.gen);
    return { id: claims.sub, roles: claims.roles, session: { id: claims.sid, generation: claims.gen } };
  }
}
