import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { AuthErrorFilter } from './auth-error.filter.js';

/** Whatever was not meant to be answered: neither an error of the library nor an exception of the host. */
abstract class Unexpected {
  static [Symbol.hasInstance](error: unknown): boolean {
    return !(error instanceof AuthError || error instanceof HttpException);
  }
}

/**
 * On the library's own routes: a bug answers `INTERNAL`. The exceptions of a host's pipes and guards stay the host's,
 * which is why this filter does not catch everything. (A filter, because an interceptor would be paid for by every request.)
 */
@Injectable()
@Catch(Unexpected)
export class UnexpectedErrorFilter implements ExceptionFilter {
  constructor(private readonly authErrors: AuthErrorFilter) {}

  catch(cause: unknown, host: ArgumentsHost): unknown {
    return this.authErrors.catch(new AuthError('INTERNAL', { cause }), host);
  }
}
