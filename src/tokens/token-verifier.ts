import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { type AccessTokenClaims, parseAccessTokenClaims } from '../core/access-token.js';
import {
  parseRefreshTokenClaims,
  refreshTokenAudience,
  type RefreshTokenClaims,
} from '../core/refresh-token.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { asVerificationKey, KeyRing, type TokenKind, type VerifyingKeys } from './keys/key-ring.js';

/** Verifies both kinds of token. Does not check expiry: the callers do, with the shared clock. */
@Injectable()
export class TokenVerifier {
  constructor(
    @Inject(AUTH_OPTIONS) protected readonly options: Pick<ResolvedAuthOptions, 'issuer' | 'audience'>,
    @Inject(KeyRing) private readonly keys: VerifyingKeys,
    protected readonly jwt: JwtService,
  ) {}

  /** See {@link VerifyingKeys.load}. */
  load(accessToken: string): Promise<void> | undefined {
    return this.keys.load?.(accessToken);
  }

  /** The claims of a validly signed access token, expired or not; null for anything else. */
  verifyAccessToken(token: string): AccessTokenClaims | null {
    return parseAccessTokenClaims(this.verify('access', token, this.options.audience));
  }

  /** The claims of a validly signed refresh token, expired or not; null for anything else. */
  verifyRefreshToken(token: string): RefreshTokenClaims | null {
    return parseRefreshTokenClaims(this.verify('refresh', token, refreshTokenAudience(this.options.issuer)));
  }

  private verify(kind: TokenKind, token: string, audience: string): unknown {
    const key = this.keys.verifyingKey(kind, token);
    if (!key) return null;
    try {
      return this.jwt.verify(token, {
        publicKey: asVerificationKey(key),
        algorithms: this.keys.algorithms(kind),
        issuer: this.options.issuer,
        audience,
        ignoreExpiration: true,
      });
    } catch {
      return null;
    }
  }
}
