import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import { ADMINISTRATOR_ROLE } from '../../core/roles.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { REQUIRED_ROLES } from '../decorators/roles.decorator.js';
import { requestOf, sourceOf } from '../http-request.js';
import { RequestAuthenticator } from '../request-authenticator.js';
import { RouteMetadata } from '../route-metadata.js';
import { RefusingGuard } from './refusing.guard.js';

/**
 * Requires one of the `@Roles()` of the handler, or else of its controller; without `@Roles()` it admits everyone. The order
 * with `JwtAuthGuard` does not matter, and this guard also works without it: it authenticates the request if no other guard
 * did. A change of roles applies from the next access token.
 * @throws AuthError (on HTTP within an `AuthHttpException`) `FORBIDDEN`, and those of `JwtAuthGuard`
 */
@Injectable()
export class RolesGuard extends RefusingGuard {
  private readonly roles: RouteMetadata<readonly string[]>;

  constructor(
    reflector: Reflector,
    private readonly requests: RequestAuthenticator,
    private readonly events: AuthEventBus,
  ) {
    super();
    this.roles = new RouteMetadata(reflector, REQUIRED_ROLES);
  }

  protected override admit(context: ExecutionContext): void | Promise<void> {
    const required = this.requiredRoles(context);
    if (!required) return;
    if (this.requests.isAuthenticated(context)) return this.check(context, required);
    const authentication = this.requests.authenticate(context);
    if (authentication instanceof Promise) return authentication.then(() => this.check(context, required));
    this.check(context, required);
  }

  protected requiredRoles(context: ExecutionContext): readonly string[] | null {
    return this.roles.of(context);
  }

  protected admits({ roles }: AuthenticatedUser, required: readonly string[]): boolean {
    return required.some((role) => roles.includes(role));
  }

  private check(context: ExecutionContext, required: readonly string[]): void {
    const request = requestOf(context);
    const { user } = request;
    if (!user) throw new AuthError('ACCESS_TOKEN_MISSING');
    if (this.admits(user, required)) return;
    // A user that a guard of the host set has no session of the library.
    const { session } = user as Partial<AuthenticatedUser>;
    if (session)
      void this.events.emit('access.denied', {
        userId: user.id,
        sessionId: session.id,
        requiredRoles: required,
        handler: context.getHandler().name,
        source: sourceOf(request),
      });
    throw new AuthError('FORBIDDEN');
  }
}

const ADMINISTRATORS: readonly string[] = [ADMINISTRATOR_ROLE];

/**
 * For the library's administrator routes. Not with `@Roles()` metadata: a host's global guard that reads it would run
 * before the route's own guards.
 */
@Injectable()
export class AdministratorGuard extends RolesGuard {
  protected override requiredRoles(): readonly string[] {
    return ADMINISTRATORS;
  }

  /** An administrator who acts for another administrator does not get the admin routes. */
  protected override admits(user: AuthenticatedUser, required: readonly string[]): boolean {
    return !user.actor && super.admits(user, required);
  }
}
