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
import { TokenSigner } from '../../tokens/token-signer.js';
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
    private readonly tokens: PresentedRefreshTokens,
    private readonly signer: TokenSigner,
  ) {
    super({
      jwtFromRequest: (request: HttpRequest) => presentedIn(request, tokens),
      secretOrKeyProvider: keyFrom(keyRing, 'refresh'),
      algorithms: keyRing.algorithms('refresh'),
      issuer: options.issuer,
      audience: refreshTokenAudience(options.issuer),
      ignoreExpiration: true,
      passReqToCallback: true,
    });
  }

  /** Passport's verdict without its verification, where the signature is known to be this ring's own. */
  override authenticate(...given: Parameters<Strategy['authenticate']>): void {
    const request = given[0] as unknown as HttpRequest;
    const token = presentedIn(request, this.tokens);
    const claims = token === null ? null : this.signer.recognizeRefreshToken(token);
    if (!claims) return super.authenticate(...given);
    try {
      this.success(this.validate(request, claims));
    } catch (error) {
      this.error(error as Error);
    }
  }

  validate(request: HttpRequest, payload: unknown): RefreshTokenClaims {
    const claims = parseRefreshTokenClaims(payload);
    if (!claims || claims.trn !== request.presentedRefreshToken?.transport)
      throw new AuthError('REFRESH_TOKEN_INVALID');
    return claims;
  }
}

/** `JwtRefreshGuard` has found the token already; behind a guard of the host it is found here. */
function presentedIn(request: HttpRequest, tokens: PresentedRefreshTokens): string | null {
  request.presentedRefreshToken ??= tokens.pick(request);
  return request.presentedRefreshToken?.token ?? null;
}
