import { type ArgumentsHost, Catch, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import { AuthErrorFilter } from '../../http/filters/auth-error.filter.js';
import { AuthHttpException } from '../../http/filters/auth-http.exception.js';
import { errorHeaders } from '../../http/filters/error-answer.js';
import { UnexpectedErrorFilter } from '../../http/filters/unexpected-error.filter.js';
import { BASIC_CHALLENGE, OAuthError, type OAuthErrorAnswer, type OAuthErrorCode } from './oauth-error.js';

/** The library's errors on the OAuth endpoints, in the shape of the RFCs. A disabled endpoint gives an ordinary 404. */
@Injectable()
@Catch(OAuthError, AuthError, AuthHttpException)
export class OAuthErrorFilter extends AuthErrorFilter {
  override catch(exception: OAuthError | AuthError | AuthHttpException, host: ArgumentsHost): unknown {
    if (!(exception instanceof OAuthError)) return super.catch(exception, host);
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    if (exception.code === 'invalid_client')
      httpAdapter.setHeader(response, 'WWW-Authenticate', BASIC_CHALLENGE);
    httpAdapter.reply(response, exception.getResponse(), exception.getStatus());
    return undefined;
  }

  protected override answer(error: AuthError, host: ArgumentsHost): void {
    if (error.code === 'NOT_FOUND') return super.answer(error, host);
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    for (const [name, value] of Object.entries(errorHeaders(error)))
      httpAdapter.setHeader(response, name, value);
    const answer: OAuthErrorAnswer = { error: codeOf(error), error_description: error.message };
    httpAdapter.reply(response, answer, error.status);
  }
}

/** Reports bugs in the same shape. */
@Injectable()
export class UnexpectedOAuthErrorFilter extends UnexpectedErrorFilter {
  constructor(errors: OAuthErrorFilter) {
    super(errors);
  }
}

function codeOf({ status }: AuthError): OAuthErrorCode {
  if (status === 429 || status === 503) return 'temporarily_unavailable';
  return status >= 500 ? 'server_error' : 'invalid_request';
}
