import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { AuthErrorFilter } from './auth-error.filter.js';

/**
 * On the library's own routes: a bug answers `INTERNAL`. List it before `AuthErrorFilter` in `@UseFilters`: Nest asks the
 * last filter first. (Not an interceptor, because every request would pay for it.)
 */
@Injectable()
@Catch()
export class UnexpectedErrorFilter implements ExceptionFilter {
  constructor(private readonly authErrors: AuthErrorFilter) {}

  catch(error: unknown, host: ArgumentsHost): unknown {
    // From the host's pipes and guards: it leaves the route, and the filters of the application take over.
    if (error instanceof HttpException) throw error;
    return this.authErrors.catch(new AuthError('INTERNAL', { cause: error }), host);
  }
}
