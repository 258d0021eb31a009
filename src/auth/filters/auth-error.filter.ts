import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import { AuthError, type AuthErrorCode } from '../../core/errors.js';
import type { HttpRequest } from '../http-request.js';
import { RefreshCookie } from '../refresh-cookie.js';
import { AuthHttpException } from './auth-http.exception.js';
import { type ErrorAnswer, errorAnswer, errorHeaders } from './error-answer.js';

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
 * Turns the library's errors into answers, on its own routes and wherever a host uses its guards and services: the one
 * shape, `WWW-Authenticate` and `Retry-After`, and a cleared cookie where the cookie's token was refused for good.
 * Everything else is left to the host.
 */
@Injectable()
@Catch(AuthError, AuthHttpException)
export class AuthErrorFilter implements ExceptionFilter<AuthError | AuthHttpException> {
  private readonly logger = new Logger('AuthErrorFilter');

  constructor(
    protected readonly adapterHost: HttpAdapterHost,
    private readonly cookie: RefreshCookie,
  ) {}

  catch(exception: AuthError | AuthHttpException, host: ArgumentsHost): unknown {
    const error = exception instanceof AuthHttpException ? exception.cause : exception;
    this.log(error);
    switch (host.getType<string>()) {
      case 'http':
        return this.answer(error, host);
      case 'ws':
        return sendTo(host.switchToWs().getClient(), errorAnswer(error));
      case 'rpc':
        return throwError(() => errorAnswer(error));
      default:
        // GraphQL: the server formats what it is given, with `extensions.code`.
        return error;
    }
  }

  protected answer(error: AuthError, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const http = host.switchToHttp();
    const response: unknown = http.getResponse();
    if (httpAdapter.isHeadersSent(response)) return void httpAdapter.end(response);
    const wasCookie = () => this.cookie.read(http.getRequest<HttpRequest>())?.transport === 'cookie';
    if (FINAL.has(error.code) && !error.keepsCookie && wasCookie()) this.cookie.clear(response);
    for (const [name, value] of Object.entries(errorHeaders(error)))
      httpAdapter.setHeader(response, name, value);
    httpAdapter.reply(response, errorAnswer(error), error.status);
  }

  /** What an operator has to mend: bugs, outages, origins that he forgot to trust. */
  private log({ code, status, detail, cause }: AuthError): void {
    if (status < 500 && code !== 'CROSS_SITE_REQUEST') return;
    const because = cause instanceof Error ? `${cause.name}: ${cause.message}` : undefined;
    const line = [code, detail, because].filter((part) => part !== undefined).join(': ');
    if (code === 'INTERNAL') this.logger.error(line, cause instanceof Error ? cause.stack : undefined);
    else this.logger.warn(line);
  }
}

interface SocketClient {
  readonly handshake?: unknown;
  emit?(event: string, data: object): void;
  send?(data: string): void;
}

/** socket.io emits to the peer; the `emit` of a native client is a local event, and what the peer gets is sent. */
function sendTo(client: SocketClient, data: ErrorAnswer): void {
  if (client.handshake !== undefined) client.emit?.('exception', data);
  else client.send?.(JSON.stringify({ event: 'exception', data }));
}
