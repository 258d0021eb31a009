import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../core/ports.js';
import {
  parseRefreshTokenClaims,
  REFRESH_TOKEN_TYPE,
  refreshTokenAudience,
  type RefreshTokenClaims,
} from '../core/refresh-token.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { parseJoseHeader } from '../tokens/keys/jose-header.js';
import { KeyRing } from '../tokens/keys/key-ring.js';
import { TokenSigner } from '../tokens/token-signer.js';
import type { HttpRequest, PresentedRefreshToken } from './http-request.js';
import { RefreshCookie } from './refresh-cookie.js';

type TokenRequest = Pick<HttpRequest, 'headers' | 'body' | 'presentedRefreshToken'>;

const CLOCK_TOLERANCE_MS = 60_000;
/** Key ids are thumbprints, or chosen by an operator. */
const KEY_ID = /^[\w.-]{1,64}$/;

/**
 * The refresh tokens of a request. A browser sends several cookies of one name if the domain or path of the cookie has
 * changed, or if a sibling host has set one, and the request does not say which is which (RFC 6265 §5.4).
 */
@Injectable()
export class PresentedRefreshTokens {
  constructor(
    private readonly cookie: RefreshCookie,
    private readonly signer: TokenSigner,
    private readonly keyRing: KeyRing,
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(CLOCK) private readonly clock: Clock,
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
   * Whether a token claims to be a recent one of this issuer, but names a key that this process does not have: another process
   * may already sign with a new key. The claims are not verified, so they only decide when the client should try again. An
   * older token belongs to a retired key.
   */
  isOfNewKey({ token }: PresentedRefreshToken): boolean {
    const header = parseJoseHeader(token);
    if (header?.typ !== REFRESH_TOKEN_TYPE || !KEY_ID.test(header.kid)) return false;
    if (this.keyRing.knows('refresh', header.kid)) return false;
    const claims = parseRefreshTokenClaims(payloadOf(token));
    const { issuer, accessToken } = this.options;
    if (claims?.iss !== issuer || claims.aud !== refreshTokenAudience(issuer)) return false;
    // An active client refreshes each time its access token expires.
    const ageMs = this.clock.now() - claims.iat * 1000;
    return ageMs >= -CLOCK_TOLERANCE_MS && ageMs <= accessToken.ttlMs + CLOCK_TOLERANCE_MS;
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

function payloadOf(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
