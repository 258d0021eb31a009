import { type ExecutionContext, Injectable } from '@nestjs/common';
import { assertOwner } from '../../tokens/access-token.authenticator.js';
import { requestOf } from '../http-request.js';
import { RefusingGuard } from './refusing.guard.js';

/**
 * For actions that only users themselves may do, not an administrator who acts for them. Runs after `AccessTokenGuard`.
 * @throws AuthError `FORBIDDEN`
 */
@Injectable()
export class OwnerGuard extends RefusingGuard {
  protected override admit(context: ExecutionContext): void {
    const { user } = requestOf(context);
    if (user) assertOwner(user);
  }
}
