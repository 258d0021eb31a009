import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import { AccessTokenAuthenticator, type AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { extractAccessToken, JwtStrategy } from '../../tokens/jwt.strategy.js';
import { IS_PUBLIC } from '../decorators/public.decorator.js';
import { type HttpRequest, requestOf } from '../http-request.js';
import { attempt } from './passport-attempt.js';
import { RefusingGuard } from './refusing.guard.js';

/** Requires an access token, without regard to `@Public()`: the guard of the library's own routes. */
@Injectable()
export class AccessTokenGuard extends RefusingGuard {
  constructor(
    private readonly strategy: JwtStrategy,
    private readonly authenticator: AccessTokenAuthenticator,
  ) {
    super();
  }

  protected override admit(context: ExecutionContext): void | Promise<void> {
    const request = requestOf(context);
    const token = extractAccessToken(request);
    if (token === null) throw new AuthError('ACCESS_TOKEN_MISSING');
    // A token verified before skips Passport; expiry and revocation are looked at every time.
    const known = this.authenticator.recall(token);
    if (!known) return this.authenticate(request);
    if (known instanceof Promise) return known.then((user) => void (request.user = user));
    request.user = known;
  }

  private async authenticate(request: HttpRequest): Promise<void> {
    try {
      request.user = await attempt<AuthenticatedUser>(this.strategy, request);
    } catch (cause) {
      throw cause instanceof AuthError ? cause : new AuthError('ACCESS_TOKEN_INVALID', { cause });
    }
  }
}

/**
 * Requires an access token, unless the handler or its controller is `@Public()`. Sets `request.user`. Use it with
 * `@UseGuards(JwtAuthGuard)`, or everywhere by `AuthModule.forRoot({ globalGuard: true, … })`.
 * @throws AuthError (on HTTP within an `AuthHttpException`) `ACCESS_TOKEN_MISSING`, `…_INVALID`, `…_EXPIRED`, `…_REVOKED`,
 * `TEMPORARILY_UNAVAILABLE`
 */
@Injectable()
export class JwtAuthGuard extends AccessTokenGuard {
  private readonly publicRoutes = new WeakMap<object, WeakMap<object, boolean>>();

  constructor(
    strategy: JwtStrategy,
    authenticator: AccessTokenAuthenticator,
    private readonly reflector: Reflector,
  ) {
    super(strategy, authenticator);
  }

  protected override admit(context: ExecutionContext): void | Promise<void> {
    return this.isPublic(context) ? undefined : super.admit(context);
  }

  /** Metadata is read once for each route. */
  private isPublic(context: ExecutionContext): boolean {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    const known = this.publicRoutes.get(controller)?.get(handler);
    if (known !== undefined) return known;
    const isPublic = this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, [handler, controller]) ?? false;
    const routes = this.publicRoutes.get(controller) ?? new WeakMap<object, boolean>();
    this.publicRoutes.set(controller, routes.set(handler, isPublic));
    return isPublic;
  }
}
