import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { IS_PUBLIC } from '../decorators/public.decorator.js';
import { RequestAuthenticator } from '../request-authenticator.js';
import { RouteMetadata } from '../route-metadata.js';
import { RefusingGuard } from './refusing.guard.js';

/** Requires an access token and ignores `@Public()`: the guard of the library's own routes. */
@Injectable()
export class AccessTokenGuard extends RefusingGuard {
  constructor(private readonly requests: RequestAuthenticator) {
    super();
  }

  protected override admit(context: ExecutionContext): void | Promise<void> {
    return this.requests.authenticate(context);
  }
}

/**
 * Requires an access token, unless the handler or its controller is `@Public()`. Sets `request.user`. Use it with
 * `@UseGuards(JwtAuthGuard)`, or for all routes with `AuthModule.forRoot({ globalGuard: true, … })`.
 * @throws AuthError (on HTTP within an `AuthHttpException`) `ACCESS_TOKEN_MISSING`, `…_INVALID`, `…_EXPIRED`, `…_REVOKED`,
 * `REAUTHENTICATION_REQUIRED` (see `RequireFreshAuth`), `TEMPORARILY_UNAVAILABLE`
 */
@Injectable()
export class JwtAuthGuard extends AccessTokenGuard {
  private readonly publicRoutes: RouteMetadata<boolean>;

  constructor(requests: RequestAuthenticator, reflector: Reflector) {
    super(requests);
    this.publicRoutes = new RouteMetadata(reflector, IS_PUBLIC);
  }

  protected override admit(context: ExecutionContext): void | Promise<void> {
    return this.publicRoutes.of(context) ? undefined : super.admit(context);
  }
}

/**
 * For routes that anybody may read and that use the user if there is one. Without an access token the user is undefined, a
 * valid one sets `request.user`, and an invalid one is refused, so that the client refreshes it instead of silently becoming
 * anonymous. Ignores `@Public()`: with a global guard, put both on the route.
 * @throws AuthError (on HTTP within an `AuthHttpException`) `ACCESS_TOKEN_INVALID`, `…_EXPIRED`, `…_REVOKED`,
 * `TEMPORARILY_UNAVAILABLE`
 *
 * @example
 * \@Public()
 * \@UseGuards(OptionalJwtAuthGuard)
 * \@Get('articles')
 * articles(@CurrentUser() user?: AuthenticatedUser) {}
 */
@Injectable()
export class OptionalJwtAuthGuard extends RefusingGuard {
  constructor(private readonly requests: RequestAuthenticator) {
    super();
  }

  protected override admit(context: ExecutionContext): void | Promise<void> {
    return this.requests.authenticateIfAsked(context);
  }
}
