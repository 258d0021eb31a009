import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Injectable,
  Logger,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AUTH_ERRORS, AuthError, type AuthErrorCode } from '../../core/errors.js';
import { AuthErrorFilter } from './auth-error.filter.js';

const BY_STATUS = new Map<number, AuthErrorCode>([
  [400, 'MALFORMED_REQUEST'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
  [503, 'TEMPORARILY_UNAVAILABLE'],
]);

/**
 * For the whole application, registered by the host (`app.useGlobalFilters(app.get(ParseErrorFilter))`): what fails
 * before a route is reached, such as a body that is no JSON or a path nobody serves, gets the library's shape too.
 * Answers that already are in a shape of their own keep it.
 */
@Injectable()
@Catch()
export class ParseErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('ParseErrorFilter');

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly authErrors: AuthErrorFilter,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    if (exception instanceof AuthError) return void this.authErrors.catch(exception, host);
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    const status = statusOf(exception);
    const code = BY_STATUS.get(status);
    if (exception instanceof HttpException && (code === undefined || hasOwnShape(exception))) {
      return void httpAdapter.reply(response, exception.getResponse(), status);
    }
    if (status >= 500)
      this.logger.error(
        exception instanceof Error ? (exception.stack ?? exception.message) : String(exception),
      );
    // 4xx of a body parser that have no code of their own (unknown charset, aborted request) are malformed requests.
    const answer = code ?? (status < 500 ? 'MALFORMED_REQUEST' : 'INTERNAL');
    const message =
      answer === 'MALFORMED_REQUEST' && status !== 400
        ? 'The request could not be read.'
        : AUTH_ERRORS[answer][1];
    this.authErrors.catch(new AuthError(answer, { message, cause: exception }), host);
  }
}

/** Body parsers and routers throw errors of their own with a `statusCode`. */
function statusOf(exception: unknown): number {
  if (exception instanceof HttpException) return exception.getStatus();
  const status = (exception as { statusCode?: unknown; status?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}

/** An answer with fields beyond Nest's own three was made on purpose. */
function hasOwnShape(exception: HttpException): boolean {
  const answer = exception.getResponse();
  return (
    typeof answer === 'object' &&
    Object.keys(answer).some((key) => !['statusCode', 'message', 'error'].includes(key))
  );
}
