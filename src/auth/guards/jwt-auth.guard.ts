import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import { AccessTokenAuthenticator, type AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { extractAccessToken, JwtStrategy } from '../../tokens/jwt.strategy.js';
import { IS_PUBLIC } from '../decorators/public.decorator.js';
import { type HttpRequest, requestOf } from '../http-request.js';
import { attempt } from './passport-attempt.js';

/** Requires an access token, without regard to `@Public()`: the guard of the library's own routes. */
@Injectable()
export class AccessTokenGuard implements CanActivate {
  constructor(
    private readonly strategy: JwtStrategy,
    private readonly authenticator: AccessTokenAuthenticator,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = requestOf(context);
    request.user = await this.authenticate(request);
    return true;
  }

  private async authenticate(request: HttpRequest): Promise<AuthenticatedUser> {
    const token = extractAccessToken(request);
    if (token === null) throw new AuthError('ACCESS_TOKEN_MISSING');
    // A token verified before skips Passport; expiry and revocation are looked at every time.
    const known = this.authenticator.recall(token);
    if (known) return known;
    try {
      return await attempt<AuthenticatedUser>(this.strategy, request);
    } catch (cause) {
      throw cause instanceof AuthError ? cause : new AuthError('ACCESS_TOKEN_INVALID', { cause });
    }
  }
}

/**
 * Requires an access token, unless the handler or its controller is `@Public()`. Sets `request.user`. Use it with
 * `@UseGuards(JwtAuthGuard)`, or everywhere by `AuthModule.forRoot({ globalGuard: true, … })`.
 * @throws AuthError `ACCESS_TOKEN_MISSING`, `…_INVALID`, `…_EXPIRED`, `…_REVOKED`, `TEMPORARILY_UNAVAILABLE`
 */
@Injectable()
export class JwtAuthGuard extends AccessTokenGuard {
  constructor(
    strategy: JwtStrategy,
    authenticator: AccessTokenAuthenticator,
    private readonly reflector: Reflector,
  ) {
    super(strategy, authenticator);
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const isPublic = this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, [
      context.getHandler(),
      context.getClass(),
    ]);
    return isPublic || super.canActivate(context);
  }
}
