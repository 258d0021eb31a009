import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { AuthError } from '../../core/errors.js';
import {
  parseRefreshTokenClaims,
  refreshTokenAudience,
  type RefreshTokenClaims,
} from '../../core/refresh-token.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import { KeyRing } from '../../tokens/keys/key-ring.js';
import type { HttpRequest } from '../http-request.js';
import { PresentedRefreshTokens } from '../presented-refresh-tokens.js';
import { keyFrom } from './verification-key.js';

/** Passport's name of the strategy, for guards such as `AuthGuard(['api-key', REFRESH_TOKEN_STRATEGY])`. */
export const REFRESH_TOKEN_STRATEGY = 'silent-auth-refresh';

/** Passport strategy for refresh tokens: checks signature, type, audience, transport. The rotation reads the store later. */
@Injectable()
export class JwtRefreshStrategy extends PassportStrategy(Strategy, REFRESH_TOKEN_STRATEGY) {
  constructor(
    @Inject(AUTH_OPTIONS) options: ResolvedAuthOptions,
    keyRing: KeyRing,
    presented: PresentedRefreshTokens,
  ) {
    super({
      // `JwtRefreshGuard` has already set the token; behind a guard of the host it is read here.
      jwtFromRequest: (request: HttpRequest) => {
        request.presentedRefreshToken ??= presented.pick(request);
        return request.presentedRefreshToken?.token ?? null;
      },
      secretOrKeyProvider: keyFrom(keyRing, 'refresh'),
      algorithms: keyRing.algorithms('refresh'),
      issuer: options.issuer,
      audience: refreshTokenAudience(options.issuer),
      ignoreExpiration: true,
      passReqToCallback: true,
    });
  }

  validate(request: HttpRequest, payload: unknown): RefreshTokenClaims {
    const claims = parseRefreshTokenClaims(payload);
    if (!claims || claims.trn !== request.presentedRefreshToken?.transport)
      throw new AuthError('REFRESH_TOKEN_INVALID');
    return claims;
  }
}
