import { Inject, Injectable } from '@nestjs/common';
import type { AccessTokenClaims } from '../core/access-token.js';
import type { CustomClaims } from '../core/custom-claims.js';
import { AuthError } from '../core/errors.js';
import { CLOCK, type Clock } from '../core/ports.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { GenerationConfirmer } from './generation-confirmer.js';
import { VerifiedTokenCache } from './verified-token-cache.js';

/** The user of an access token: `request.user`. `Claims` is the type that `accessToken.claims` returns. */
export interface AuthenticatedUser<Claims extends object = CustomClaims> {
  readonly id: string;
  readonly roles: readonly string[];
  readonly session: AuthenticatedSession;
  /** Who acts for the user, such as an administrator; absent if the users act for themselves. */
  readonly actor?: { readonly id: string };
  /** The host's own claims, frozen; empty if it has none. */
  readonly claims: Readonly<Claims>;
}

export interface AuthenticatedSession {
  readonly id: string;
  readonly generation: number;
  /** When the user last proved who they are, according to the token; absent in tokens of earlier versions. */
  readonly authTime?: Date;
  /** How they did it (RFC 8176); absent if unknown. */
  readonly amr?: readonly string[];
  /** The token was minted for a server on behalf of a browser. */
  readonly isRelay?: true;
}

/** @throws AuthError `FORBIDDEN` if somebody acts for the user */
export function assertOwner({ actor }: Pick<AuthenticatedUser, 'actor'>): void {
  if (actor) throw new AuthError('FORBIDDEN', { message: 'Only the user may do this.' });
}

const NO_CLAIMS: CustomClaims = Object.freeze({});

/** A promise only if `revocation.mode` is `strict`: one promise per guarded request costs measurable time. */
export type Admission = AuthenticatedUser | Promise<AuthenticatedUser>;

/** The checks after the signature: expiry, revocation, confirmation. No request waits for a database write. */
@Injectable()
export class AccessTokenAuthenticator {
  private readonly verified = new VerifiedTokenCache();

  constructor(
    private readonly revocations: RevocationService,
    private readonly confirmer: GenerationConfirmer,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The claims of a token whose signature was verified before; null if it was not. */
  recall(token: string): AccessTokenClaims | null {
    return this.verified.get(token);
  }

  /** Keeps the claims of a verified token for {@link recall}. */
  remember(token: string, claims: AccessTokenClaims): void {
    this.verified.set(token, claims);
  }

  /** Empties the cache of {@link recall}, after a change of keys. */
  forgetAll(): void {
    this.verified.clear();
  }

  /**
   * Admits a token whose signature, issuer and audience were verified.
   * @throws AuthError `ACCESS_TOKEN_EXPIRED`, `ACCESS_TOKEN_REVOKED`, `TEMPORARILY_UNAVAILABLE`
   */
  admit(claims: AccessTokenClaims): Admission {
    const { settling } = this.clock;
    return settling ? settling.then(() => this.check(claims)) : this.check(claims);
  }

  private check(claims: AccessTokenClaims): Admission {
    const now = this.clock.now();
    if (now >= claims.exp * 1000) throw new AuthError('ACCESS_TOKEN_EXPIRED');
    const revoked = this.revocations.isRevoked(claims, now);
    if (typeof revoked === 'boolean') return this.settle(claims, revoked);
    return revoked.then((isRevoked) => this.settle(claims, isRevoked));
  }

  private settle(claims: AccessTokenClaims, isRevoked: boolean): AuthenticatedUser {
    if (isRevoked) throw new AuthError('ACCESS_TOKEN_REVOKED');
    // The use of a relay's or an actor's token does not prove that the browser received its refresh token.
    if (!claims.relay && !claims.act) this.confirmer.see(claims.sid, claims.gen);
    return userOf(claims);
  }
}

/** Sets optional fields one by one: this runs for each guarded request, and object spreads would dominate its cost. */
function userOf(claims: AccessTokenClaims): AuthenticatedUser {
  const { sub, roles, sid, gen, auth_time, amr, relay, act, custom } = claims;
  const session: Writable<AuthenticatedSession> = { id: sid, generation: gen };
  if (auth_time !== undefined) session.authTime = new Date(auth_time * 1000);
  if (amr) session.amr = amr;
  if (relay) session.isRelay = relay;
  const user: Writable<AuthenticatedUser> = { id: sub, roles, session, claims: custom ?? NO_CLAIMS };
  if (act) user.actor = { id: act.sub };
  return user;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
