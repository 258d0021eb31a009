import { Injectable } from '@nestjs/common';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import { TokenSigner } from '../tokens/token-signer.js';
import type { HttpRequest, PresentedRefreshToken } from './http-request.js';
import { RefreshCookie } from './refresh-cookie.js';

type TokenRequest = Pick<HttpRequest, 'headers' | 'body' | 'presentedRefreshToken'>;

/**
 * The refresh tokens of a request. A browser sends several cookies of one name if the domain or path of the cookie has
 * changed, or if a sibling host has set one, and the request does not say which is which (RFC 6265 §5.4).
 */
@Injectable()
export class PresentedRefreshTokens {
  constructor(
    private readonly cookie: RefreshCookie,
    private readonly signer: TokenSigner,
  ) {}

  /** The token to use: the newest valid one, or the first one if none is valid (it is refused later); null if there is none. */
  pick(request: TokenRequest): PresentedRefreshToken | null {
    const all = this.cookie.readAll(request);
    const [first = null] = all;
    if (all.length <= 1) return first;
    return this.verify(all).sort(newestFirst)[0]?.presented ?? first;
  }

  /** The claims of all validly signed tokens that came by the transport of their session, newest first. */
  verified(request: TokenRequest): RefreshTokenClaims[] {
    return this.verify(this.cookie.readAll(request))
      .sort(newestFirst)
      .map(({ claims }) => claims);
  }

  /**
   * Whether the refresh cookie may be cleared: there is one, and all cookies of the name belong to one session of ours.
   */
  isCookieOfOneSession(request: TokenRequest): boolean {
    const all = this.cookie.readAll(request);
    const verified = this.verify(all);
    const sessions = new Set(verified.map(({ claims }) => claims.sid));
    return all[0]?.transport === 'cookie' && sessions.size === 1 && verified.length === all.length;
  }

  /** Whether a logout may clear the refresh cookie: not if all cookies of the name come from others. */
  mayForget(request: TokenRequest): boolean {
    const all = this.cookie.readAll(request);
    return all.length === 0 || all[0]?.transport === 'body' || this.verify(all).length > 0;
  }

  /**
   * Whether another process may already sign with the key of a token, which this process does not have: the client should try
   * again.
   */
  isOfNewKey({ token }: PresentedRefreshToken): boolean {
    return this.signer.sessionOfNewKey('refresh', token) !== null;
  }

  /**
   * The sessions that the tokens of new keys name, if no token is verified: with one that is, a cookie that a sibling host has
   * set must not matter. Nobody has verified them.
   */
  sessionsOfNewKeys(request: TokenRequest): string[] {
    const all = this.cookie.readAll(request);
    if (this.verify(all).length > 0) return [];
    return all.flatMap(({ token }) => this.signer.sessionOfNewKey('refresh', token) ?? []);
  }

  private verify(all: readonly PresentedRefreshToken[]): Verified[] {
    return all.flatMap((presented) => {
      const claims = this.signer.verifyRefreshToken(presented.token);
      return claims?.trn === presented.transport ? [{ presented, claims }] : [];
    });
  }
}

interface Verified {
  readonly presented: PresentedRefreshToken;
  readonly claims: RefreshTokenClaims;
}

function newestFirst({ claims: a }: Verified, { claims: b }: Verified): number {
  return a.sid === b.sid ? b.gen - a.gen : b.iat - a.iat;
}
