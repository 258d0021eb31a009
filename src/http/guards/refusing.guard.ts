import { type CanActivate, type ExecutionContext, HttpException, Logger } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { contextException } from '../context-exceptions.js';
import { AuthHttpException } from '../filters/auth-http.exception.js';

const logger = new Logger('RefusingGuard');

/**
 * A guard that throws the reason of a refusal: an `AuthHttpException` on HTTP, a `WsException` or `RpcException` in
 * gateways and microservices, the `AuthError` itself elsewhere.
 */
export abstract class RefusingGuard implements CanActivate {
  /** Returns a promise only if needed: one promise per guarded request costs measurable time. */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    try {
      const admitted = this.admit(context);
      if (!(admitted instanceof Promise)) return true;
      return admitted.then(
        () => true,
        (cause: unknown) => this.refuse(cause, context),
      );
    } catch (cause) {
      return this.refuse(cause, context);
    }
  }

  private refuse(cause: unknown, context: ExecutionContext): Promise<never> {
    return Promise.reject(this.refusal(cause, context));
  }

  private refusal(cause: unknown, context: ExecutionContext): Error {
    if (cause instanceof HttpException) return cause;
    // Anything else is a bug, whose details are not sent to clients.
    const error = cause instanceof AuthError ? cause : new AuthError('INTERNAL', { cause });
    const type = context.getType<string>();
    if (type === 'http') return new AuthHttpException(error);
    const exception = contextException(type, error);
    // No filter of the library will see this exception, so log it here.
    if (exception && error.code === 'INTERNAL') logger.error(error.message, (cause as Error).stack);
    return exception ?? error;
  }

  /** @throws AuthError if the request is refused */
  protected abstract admit(context: ExecutionContext): void | Promise<void>;
}
