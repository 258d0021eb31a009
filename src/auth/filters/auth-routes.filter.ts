import { type ArgumentsHost, Catch, HttpException, Injectable, Logger } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { AuthError, type AuthErrorCode } from '../../core/errors.js';
import type { HttpRequest } from '../http-request.js';
import { RefreshCookie } from '../refresh-cookie.js';
import { AuthErrorFilter } from './auth-error.filter.js';

/** Final refusals of a refresh token: the cookie that held it is of no use any more. */
const FINAL: ReadonlySet<AuthErrorCode> = new Set<AuthErrorCode>([
  'REFRESH_TOKEN_INVALID',
  'REFRESH_TOKEN_EXPIRED',
  'REFRESH_TOKEN_UNKNOWN',
  'REFRESH_TOKEN_REUSED',
  'SESSION_REVOKED',
  'SUSPICIOUS_ACTIVITY',
]);

/**
 * The filter of the library's own routes: a final refusal clears the cookie, if it was the cookie that was refused, and
 * a bug answers `INTERNAL` without a detail.
 */
@Injectable()
@Catch()
export class AuthRoutesFilter extends BaseExceptionFilter {
  private readonly logger = new Logger('AuthRoutes');

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly authErrors: AuthErrorFilter,
    private readonly cookie: RefreshCookie,
  ) {
    super(adapterHost.httpAdapter);
  }

  override catch(exception: unknown, host: ArgumentsHost): void {
    // Of the host's own guards and pipes, or of its framework: answered as the host answers them.
    if (exception instanceof HttpException) return super.catch(exception, host);
    const error = exception instanceof AuthError ? exception : this.unexpected(exception);
    const http = host.switchToHttp();
    const wasCookie = () => this.cookie.read(http.getRequest<HttpRequest>())?.transport === 'cookie';
    if (FINAL.has(error.code) && !error.keepsCookie && wasCookie()) this.cookie.clear(http.getResponse());
    this.authErrors.catch(error, host);
  }

  private unexpected(cause: unknown): AuthError {
    this.logger.error(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
    return new AuthError('INTERNAL', { cause });
  }
}
