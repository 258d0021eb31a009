import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import { AUTH_ERRORS, AuthError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { schemeOf } from '../access-token-header.js';
import type { HttpRequest } from '../http-request.js';
import { PresentedRefreshTokens } from '../presented-refresh-tokens.js';
import { RefreshCookie } from '../refresh-cookie.js';
import { AuthHttpException } from './auth-http.exception.js';
import { errorAnswer, errorHeaders, errorMessage } from './error-answer.js';
import { LineLimit } from './line-limit.js';

/**
 * Turns the library's errors into responses, on its own routes and wherever a host uses its guards and services: the
 * common shape, `WWW-Authenticate`, `Retry-After`, and a cleared cookie if its token was ours and is refused permanently.
 * Other errors are left to the host.
 */
@Injectable()
@Catch(AuthError, AuthHttpException)
export class AuthErrorFilter implements ExceptionFilter<AuthError | AuthHttpException> {
  private readonly logger = new Logger('AuthErrorFilter');
  private readonly lines = new LineLimit();

  constructor(
    protected readonly adapterHost: HttpAdapterHost,
    private readonly cookie: RefreshCookie,
    private readonly presented: PresentedRefreshTokens,
  ) {}

  catch(exception: AuthError | AuthHttpException, host: ArgumentsHost): unknown {
    const error = exception instanceof AuthHttpException ? exception.cause : exception;
    this.log(error);
    switch (host.getType<string>()) {
      case 'http':
        return this.answer(error, host);
      case 'ws':
        return sendTo(host.switchToWs().getClient(), errorMessage(error));
      case 'rpc':
        return throwError(() => errorMessage(error));
      default:
        // GraphQL: the server formats the error, with `extensions.code`.
        return error;
    }
  }

  protected answer(error: AuthError, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const http = host.switchToHttp();
    const response: unknown = http.getResponse();
    if (httpAdapter.isHeadersSent(response)) {
      httpAdapter.end(response);
      return;
    }
    const request = http.getRequest<HttpRequest>();
    const isOurs = () => this.presented.isCookieOfOneSession(request);
    if (AUTH_ERRORS[error.code].clearsCookie && !error.keepsCookie && isOurs()) this.cookie.clear(response);
    for (const [name, value] of Object.entries(errorHeaders(error, schemeOf(request))))
      httpAdapter.setHeader(response, name, value);
    httpAdapter.reply(response, errorAnswer(error), error.status);
  }

  /** Logs what an operator has to fix: bugs, outages, a missing origin in `trustedOrigins`, an issuer that is not the public URL. */
  private log({ code, status, detail, cause }: AuthError): void {
    const isConfiguration =
      code === 'CROSS_SITE_REQUEST' || (code === 'PROOF_REQUIRED' && detail !== undefined);
    if (status < 500 && !isConfiguration) return;
    const because = cause instanceof Error ? `${cause.name}: ${cause.message}` : undefined;
    // The text of an error may contain parts of the request.
    const line = printable([code, detail, because].filter((part) => part !== undefined).join(': '));
    if (code === 'INTERNAL')
      this.logger.error(line, cause instanceof Error ? printableStack(cause) : undefined);
    else if (this.lines.admits(line)) this.logger.warn(line);
  }
}

function printableStack({ stack }: Error): string | undefined {
  return stack
    ?.split('\n')
    .map((line) => printable(line))
    .join('\n');
}

interface SocketClient {
  readonly handshake?: unknown;
  emit?(event: string, data: object): void;
  send?(data: string): void;
}

/** The `emit` of socket.io sends to the peer; the `emit` of a native client is a local event, so it needs `send`. */
function sendTo(client: SocketClient, data: object): void {
  if (client.handshake !== undefined) client.emit?.('exception', data);
  else client.send?.(JSON.stringify({ event: 'exception', data }));
}
