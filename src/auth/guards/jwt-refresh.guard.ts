import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import type { RefreshTokenClaims } from '../../core/refresh-token.js';
import { JwtRefreshStrategy } from '../../tokens/jwt-refresh.strategy.js';
import { requestOf } from '../http-request.js';
import { RefreshCookie } from '../refresh-cookie.js';
import { attempt } from './passport-attempt.js';
import { RefusingGuard } from './refusing.guard.js';

/**
 * Requires a validly signed refresh token, in the body or the cookie, and sets `request.refreshToken` to its claims.
 * Whether it is still current is for `RefreshTokenService.refresh` to say.
 * @throws AuthError (on HTTP within an `AuthHttpException`) `REFRESH_TOKEN_MISSING`, `REFRESH_TOKEN_INVALID`,
 * `VALIDATION_FAILED` (not a string)
 */
@Injectable()
export class JwtRefreshGuard extends RefusingGuard {
  constructor(
    private readonly strategy: JwtRefreshStrategy,
    private readonly cookie: RefreshCookie,
  ) {
    super();
  }

  protected override async admit(context: ExecutionContext): Promise<void> {
    const request = requestOf(context);
    refuseOddRefreshToken(request.body);
    if (!this.cookie.read(request)) throw new AuthError('REFRESH_TOKEN_MISSING');
    try {
      request.refreshToken = await attempt<RefreshTokenClaims>(this.strategy, request);
    } catch (cause) {
      throw cause instanceof AuthError ? cause : new AuthError('REFRESH_TOKEN_INVALID', { cause });
    }
  }
}

/** An operator object in the place of a token must not fall back to the cookie. */
function refuseOddRefreshToken(body: unknown): void {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'refreshToken')) return;
  const { refreshToken } = body as { refreshToken: unknown };
  if (refreshToken !== null && typeof refreshToken !== 'string')
    throw new AuthError('VALIDATION_FAILED', {
      fields: [{ field: 'refreshToken', message: 'refreshToken must be a string' }],
    });
}
