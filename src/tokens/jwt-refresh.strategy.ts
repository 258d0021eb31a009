import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { AuthError } from '../core/errors.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import {
  parseRefreshTokenClaims,
  refreshTokenAudience,
  type RefreshTokenClaims,
} from '../core/refresh-token.js';
import { KeyRing } from './key-ring.js';
import { extractRefreshToken, refreshCookieName, type RefreshRequest } from './refresh-token.extractor.js';

/** Passport strategy of refresh tokens: signature, kind, audience, transport. The store is asked later, by the rotation. */
@Injectable()
export class JwtRefreshStrategy extends PassportStrategy(Strategy, 'silent-auth-refresh') {
  private readonly cookieName: string;

  constructor(@Inject(AUTH_OPTIONS) options: ResolvedAuthOptions, keyRing: KeyRing) {
    const cookieName = refreshCookieName(options.refreshToken.cookie);
    super({
      jwtFromRequest: (request: RefreshRequest) => extractRefreshToken(request, cookieName)?.token ?? null,
      secretOrKeyProvider: (
        _request: unknown,
        token: string,
        done: (error: Error | null, key?: string) => void,
      ) => {
        const key = keyRing.verifyingKey('refresh', token);
        if (key) done(null, key as never);
        else done(new AuthError('REFRESH_TOKEN_INVALID'));
      },
      algorithms: keyRing.algorithms('refresh'),
      issuer: options.issuer,
      audience: refreshTokenAudience(options.issuer),
      ignoreExpiration: true,
      passReqToCallback: true,
    });
    this.cookieName = cookieName;
  }

  validate(request: RefreshRequest, payload: unknown): RefreshTokenClaims {
    const claims = parseRefreshTokenClaims(payload);
    if (!claims || claims.trn !== extractRefreshToken(request, this.cookieName)?.transport)
      throw new AuthError('REFRESH_TOKEN_INVALID');
    return claims;
  }
}
