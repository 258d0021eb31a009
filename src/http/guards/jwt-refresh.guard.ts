import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { CLOCK, type Clock } from '../../core/ports.js';
import type { RefreshTokenClaims } from '../../core/refresh-token.js';
import { requestOf } from '../http-request.js';
import { PresentedRefreshTokens } from '../presented-refresh-tokens.js';
import { JwtRefreshStrategy } from '../strategies/jwt-refresh.strategy.js';
import { attempt } from './passport-attempt.js';
import { RefusingGuard } from './refusing.guard.js';

const RETRY_AFTER_S = 1;
const UNKNOWN_KEY =
  'a refresh token of this issuer names a key that this process does not have: ' +
  'append a new key to the list of every process before any process signs with it';

/**
 * Requires a validly signed refresh token, in the body or the cookie, and sets `request.refreshToken` to its claims.
 * `RefreshTokenService.refresh` then decides whether it is still current.
 * @throws AuthError (on HTTP within an `AuthHttpException`) `REFRESH_TOKEN_MISSING`, `REFRESH_TOKEN_INVALID`,
 * `VALIDATION_FAILED` (not a string). `retryAfter` is set if the token may be signed with a key that only other processes have.
 */
@Injectable()
export class JwtRefreshGuard extends RefusingGuard {
  constructor(
    private readonly strategy: JwtRefreshStrategy,
    private readonly presented: PresentedRefreshTokens,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  protected override async admit(context: ExecutionContext): Promise<void> {
    const request = requestOf(context);
    refuseOddRefreshToken(request.body);
    await this.clock.settling;
    const presented = (request.presentedRefreshToken = this.presented.pick(request));
    if (!presented) throw new AuthError('REFRESH_TOKEN_MISSING');
    try {
      request.refreshToken = await attempt<RefreshTokenClaims>(this.strategy, request);
    } catch (cause) {
      if (this.presented.isOfNewKey(presented))
        throw new AuthError('REFRESH_TOKEN_INVALID', {
          retryAfter: RETRY_AFTER_S,
          detail: UNKNOWN_KEY,
          cause,
        });
      throw cause instanceof AuthError ? cause : new AuthError('REFRESH_TOKEN_INVALID', { cause });
    }
  }
}

/** If the body has an object in place of the token, refuse it: do not fall back to the cookie. */
function refuseOddRefreshToken(body: unknown): void {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'refreshToken')) return;
  const { refreshToken } = body as { refreshToken: unknown };
  if (refreshToken !== null && typeof refreshToken !== 'string')
    throw new AuthError('VALIDATION_FAILED', {
      fields: [{ field: 'refreshToken', message: 'refreshToken must be a string' }],
    });
}
