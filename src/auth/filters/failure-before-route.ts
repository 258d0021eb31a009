import { HttpException, type HttpServer, NotFoundException } from '@nestjs/common';
import { AuthError, type AuthErrorCode } from '../../core/errors.js';

/** What body-parser puts into `type`; a failed `verify` is a function of the host. */
const BODY_PARSER =
  /^(?:entity\.(?!verify)|charset\.|encoding\.|request\.|parameters\.|querystring\.|stream\.)/;
/** Of Fastify, where a failed schema is the host's, and of a damaged compressed body: zlib's, brotli's. */
const READER_CODE = /^(?:FST_ERR_(?!VALIDATION)|Z_|ERR_(?:_|BROTLI_))/;
const NO_JSON = /^(?:entity\.parse\.failed|FST_ERR_CTP_(?:INVALID|EMPTY)_JSON_BODY)$/;
/** How the parsers and routers of Express and Fastify put it; Nest 11 keeps nothing else of their errors. */
const MESSAGES =
  /\bJSON\b|^Failed to decode param|not a valid url component|^Request body|^Unsupported Media Type/;

const BY_STATUS = new Map<number, AuthErrorCode>([
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
]);

/**
 * What failed before any route was reached (a body that cannot be read, a path that is none or that nobody serves), as
 * an error of the library. Null for what a route, a guard or a pipe threw: it is told by the parser's or router's error
 * that Nest's adapters keep as the `cause`, and by Nest's own words for an unknown route.
 */
export function failureBeforeRoute(
  exception: unknown,
  adapter: HttpServer,
  request: unknown,
): AuthError | null {
  if (exception instanceof NotFoundException) {
    const unknownRoute = `Cannot ${adapter.getRequestMethod?.(request)} ${adapter.getRequestUrl?.(request)}`;
    return exception.message === unknownRoute ? new AuthError('NOT_FOUND', { cause: exception }) : null;
  }
  const cause = exception instanceof HttpException ? exception.cause : exception;
  if (isReadFailure(cause))
    return malformed(cause.statusCode ?? 400, cause, NO_JSON.test(cause.type ?? cause.code ?? ''));
  const isNest11 = exception instanceof HttpException && cause === undefined && !('mapException' in adapter);
  return isNest11 && MESSAGES.test(exception.message)
    ? malformed(exception.getStatus(), exception, exception.message.includes('JSON'))
    : null;
}

interface ReadFailure extends Error {
  readonly statusCode?: number;
  readonly type?: string;
  readonly code?: string;
}

function isReadFailure(error: unknown): error is ReadFailure {
  if (!(error instanceof Error)) return false;
  const { statusCode, status, type, code } = error as Error & Record<string, unknown>;
  // Of path parameters that cannot be decoded.
  if (error instanceof URIError) return status === 400 || statusCode === 400;
  if (typeof statusCode !== 'number' || statusCode >= 500) return false;
  return (
    (typeof type === 'string' && BODY_PARSER.test(type)) ||
    (typeof code === 'string' && READER_CODE.test(code))
  );
}

function malformed(status: number, cause: unknown, isJson: boolean): AuthError {
  const code = BY_STATUS.get(status);
  if (code || isJson) return new AuthError(code ?? 'MALFORMED_REQUEST', { cause });
  return new AuthError('MALFORMED_REQUEST', { message: 'The request could not be read.', cause });
}
