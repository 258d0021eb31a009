import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import type { AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { REQUIRED_ROLES } from '../decorators/roles.decorator.js';
import { requestOf, sourceOf } from '../http-request.js';
import { RefusingGuard } from './refusing.guard.js';

/**
 * Requires one of the `@Roles()` of the handler, or else of its controller; without any it lets everyone pass. Put it
 * after `JwtAuthGuard`. A change of roles reaches a user with his next access token.
 * @throws AuthError (on HTTP within an `AuthHttpException`) `FORBIDDEN`, `ACCESS_TOKEN_MISSING` (no guard has authenticated
 * the request)
 */
@Injectable()
export class RolesGuard extends RefusingGuard {
  constructor(
    private readonly reflector: Reflector,
    private readonly events: AuthEventBus,
  ) {
    super();
  }

  protected override admit(context: ExecutionContext): void {
    const required = this.reflector.getAllAndOverride<string[]>(REQUIRED_ROLES, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!required) return;
    const request = requestOf(context);
    const { user } = request;
    if (!user) throw new AuthError('ACCESS_TOKEN_MISSING');
    if (required.some((role) => user.roles.includes(role))) return;
    // Whom a guard of the host let in has no session here.
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
