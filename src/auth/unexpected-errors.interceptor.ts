import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { catchError, throwError } from 'rxjs';
import { answerable } from './unexpected.js';

/** Around the library's own handlers: a bug of theirs answers `INTERNAL`. What the host's pipes throw stays the host's. */
@Injectable()
export class UnexpectedErrorsInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(catchError((error: unknown) => throwError(() => answerable(error))));
  }
}
