import { createHmac, randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { accessTokenTimes, type AccessTokenClaims, parseAccessTokenClaims } from '../core/access-token.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { Clock, UserRecord } from '../core/ports.js';
import {
  parseRefreshTokenClaims,
  refreshTokenAudience,
  refreshTokenClaims,
  type RefreshTokenClaims,
} from '../core/refresh-token.js';
import { CLOCK } from '../database/database.module.js';
import { KeyRing, type TokenKind } from './key-ring.js';
import type { RefreshSession } from './refresh-token.store.js';

export interface SignedToken {
  readonly token: string;
  /** Seconds until it expires. */
  readonly expiresIn: number;
}

/** Signs and verifies both kinds of token. Expiry is not its business: our clock decides, not the library's. */
@Injectable()
export class TokenSigner {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly keyRing: KeyRing,
    private readonly jwt: JwtService,
  ) {}

  signAccessToken(user: UserRecord, session: RefreshSession): SignedToken {
    const { ttlMs, ttlByAppMs } = this.options.accessToken;
    const lifeMs = ttlByAppMs.get(session.device.appId ?? '') ?? ttlMs;
    const times = accessTokenTimes(this.clock.now(), lifeMs, session.expiresAt.getTime());
    const claims: AccessTokenClaims = {
      iss: this.options.issuer,
      aud: this.options.audience,
      sub: user.id,
      client_id: this.options.audience,
      ...times,
      jti: randomUUID(),
      sid: session.id,
      gen: session.generation,
      ver: user.tokenVersion,
      roles: user.roles,
    };
    return { token: this.sign('access', claims), expiresIn: times.exp - times.iat };
  }

  /** Deterministic in its claims: a replay or a recovery yields the token that the lost answer held. */
  signRefreshToken(session: RefreshSession, secret: string): SignedToken {
    const claims = refreshTokenClaims({ ...session, sessionId: session.id }, secret, this.options.issuer);
    const expiresIn = Math.max(0, claims.exp - Math.floor(this.clock.now() / 1000));
    return { token: this.sign('refresh', claims), expiresIn };
  }

  /** The claims of a validly signed access token, expired or not; null for anything else. */
  verifyAccessToken(token: string): AccessTokenClaims | null {
    return parseAccessTokenClaims(this.verify('access', token, this.options.audience));
  }

  /** The claims of a validly signed refresh token, expired or not; null for anything else. */
  verifyRefreshToken(token: string): RefreshTokenClaims | null {
    return parseRefreshTokenClaims(this.verify('refresh', token, refreshTokenAudience(this.options.issuer)));
  }

  private sign(kind: TokenKind, claims: object): string {
    const { kid, alg, key } = this.keyRing.signingKey(kind);
    const header = { alg, typ: this.keyRing.typeOf(kind), kid };
    if (key.type === 'secret') {
      // RFC 7515 §5.1 in three lines: the library takes twice the time, on every refresh for two tokens.
      const signingInput = `${base64url(header)}.${base64url(claims)}`;
      return `${signingInput}.${createHmac(alg.replace('HS', 'sha'), key).update(signingInput).digest('base64url')}`;
    }
    return this.jwt.sign(claims, { privateKey: key, algorithm: alg, header });
  }

  private verify(kind: TokenKind, token: string, audience: string): unknown {
    const key = this.keyRing.verifyingKey(kind, token);
    if (!key) return null;
    try {
      // A KeyObject made once: with a string the library would try to parse a public key at every call.
      return this.jwt.verify(token, {
        publicKey: key as never,
        algorithms: this.keyRing.algorithms(kind),
        issuer: this.options.issuer,
        audience,
        ignoreExpiration: true,
      });
    } catch {
      return null;
    }
  }
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
