import { type ArgumentsHost, Catch, HttpException, Injectable } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import { AuthErrorFilter } from './auth-error.filter.js';
import { AuthHttpException } from './auth-http.exception.js';
import { failureBeforeRoute } from './failure-before-route.js';

/**
 * For the whole application, registered by the host (`app.useGlobalFilters(app.get(ParseErrorFilter))`). Failures before a
 * route is reached, such as a body that is not JSON or an unknown path, get the library's error shape, and so do bugs
 * (`INTERNAL`, logged). Every other `HttpException` keeps its own response.
 */
@Injectable()
@Catch()
export class ParseErrorFilter extends BaseExceptionFilter {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly authErrors: AuthErrorFilter,
  ) {
    super(adapterHost.httpAdapter);
  }

  override catch(exception: unknown, host: ArgumentsHost): unknown {
    if (exception instanceof AuthError || exception instanceof AuthHttpException)
      return this.authErrors.catch(exception, host);
    switch (host.getType<string>()) {
      case 'http':
        return this.answer(exception, host);
      case 'ws':
        return this.authErrors.catch(new AuthError('INTERNAL', { cause: exception }), host);
      default:
        // Nest then handles the errors of GraphQL and microservices itself.
        return undefined;
    }
  }

  private answer(exception: unknown, host: ArgumentsHost): unknown {
    const request: unknown = host.switchToHttp().getRequest();
    const failure = failureBeforeRoute(exception, this.adapterHost.httpAdapter, request);
    if (failure) return this.authErrors.catch(failure, host);
    if (exception instanceof HttpException || this.isClientError(exception))
      return super.catch(exception, host);
    return this.authErrors.catch(new AuthError('INTERNAL', { cause: exception }), host);
  }

  /** An error of http-errors or of a Fastify plugin: made for the client, like an `HttpException`. */
  private isClientError(exception: unknown): boolean {
    return this.isHttpError(exception) && exception.statusCode < 500;
  }
}
