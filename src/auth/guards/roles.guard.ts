import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import { REQUIRED_ROLES } from '../decorators/roles.decorator.js';
import { requestOf } from '../http-request.js';
import { RefusingGuard } from './refusing.guard.js';

/**
 * Requires one of the `@Roles()` of the handler, or else of its controller; without any it lets everyone pass. Put it
 * after `JwtAuthGuard`. A change of roles reaches a user with his next access token.
 * @throws AuthError (on HTTP within an `AuthHttpException`) `FORBIDDEN`, `ACCESS_TOKEN_MISSING` (no guard has authenticated
 * the request)
 */
@Injectable()
export class RolesGuard extends RefusingGuard {
  constructor(private readonly reflector: Reflector) {
    super();
  }

  protected override admit(context: ExecutionContext): void {
    const required = this.reflector.getAllAndOverride<string[]>(REQUIRED_ROLES, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!required) return;
    const { user } = requestOf(context);
    if (!user) throw new AuthError('ACCESS_TOKEN_MISSING');
    if (!required.some((role) => user.roles.includes(role))) throw new AuthError('FORBIDDEN');
  }
}
