import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { AuthErrorFilter } from './auth-error.filter.js';

/**
 * On the library's own routes: a bug answers `INTERNAL`. List it before `AuthErrorFilter` in `@UseFilters`, because Nest
 * tries the last filter first. It is not an interceptor, because that would cost every request time.
 */
@Injectable()
@Catch()
export class UnexpectedErrorFilter implements ExceptionFilter {
  constructor(private readonly authErrors: AuthErrorFilter) {}

  catch(error: unknown, host: ArgumentsHost): unknown {
    // Thrown by the host's pipes and guards: rethrow it, so that the filters of the application handle it.
    if (error instanceof HttpException) throw error;
    return this.authErrors.catch(new AuthError('INTERNAL', { cause: error }), host);
  }
}
