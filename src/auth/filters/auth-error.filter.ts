import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import { errorAnswer, errorHeaders } from './error-answer.js';

/**
 * Turns the library's errors into answers, on its own routes and wherever a host uses its guards. Everything else is
 * left to the host.
 */
@Injectable()
@Catch(AuthError)
export class AuthErrorFilter implements ExceptionFilter<AuthError> {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: AuthError, host: ArgumentsHost): unknown {
    switch (host.getType<string>()) {
      case 'http':
        return this.answer(error, host.switchToHttp().getResponse());
      case 'ws':
        return host
          .switchToWs()
          .getClient<{ emit?: (event: string, data: object) => void }>()
          .emit?.('exception', errorAnswer(error));
      default:
        // GraphQL: the server formats what it is given, with `extensions.code`.
        return error;
    }
  }

  private answer(error: AuthError, response: unknown): void {
    const { httpAdapter } = this.adapterHost;
    if (httpAdapter.isHeadersSent(response)) return;
    for (const [name, value] of Object.entries(errorHeaders(error)))
      httpAdapter.setHeader(response, name, value);
    httpAdapter.reply(response, errorAnswer(error), error.status);
  }
}
