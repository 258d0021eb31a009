import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { AuthHttpException } from '../filters/auth-http.exception.js';
import { answerable } from '../unexpected.js';

/** A guard that says why it refuses: by an `AuthHttpException` on HTTP, by the `AuthError` itself elsewhere. */
export abstract class RefusingGuard implements CanActivate {
  /** What is decided at once is answered at once: a promise for each guarded request is felt. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const refuse = (cause: unknown) => Promise.reject(this.refusal(cause, context));
    try {
      const admitted = this.admit(context);
      return admitted instanceof Promise ? admitted.then(() => true, refuse) : true;
    } catch (cause) {
      return refuse(cause);
    }
  }

  private refusal(cause: unknown, context: ExecutionContext): Error {
    const error = answerable(cause);
    const isHttp = context.getType() === 'http';
    return error instanceof AuthError && isHttp ? new AuthHttpException(error) : error;
  }

  /** @throws AuthError where the request is refused */
  protected abstract admit(context: ExecutionContext): void | Promise<void>;
}
