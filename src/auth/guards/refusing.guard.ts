import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { AuthHttpException } from '../filters/auth-http.exception.js';
import { answerable } from '../unexpected.js';

/** A guard that says why it refuses: by an `AuthHttpException` on HTTP, by the `AuthError` itself elsewhere. */
export abstract class RefusingGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      await this.admit(context);
      return true;
    } catch (cause) {
      const error = answerable(cause);
      const isHttp = context.getType() === 'http';
      throw error instanceof AuthError && isHttp ? new AuthHttpException(error) : error;
    }
  }

  /** @throws AuthError where the request is refused */
  protected abstract admit(context: ExecutionContext): void | Promise<void>;
}
