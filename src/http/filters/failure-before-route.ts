import type { IncomingMessage } from 'node:http';
import { HttpException, type HttpServer, NotFoundException } from '@nestjs/common';
import { AuthError, type AuthErrorCode } from '../../core/errors.js';

/** A body that is not JSON: `type` of body-parser (Express), `code` of Fastify. */
const NOT_JSON = new Set([
  'entity.parse.failed',
  'FST_ERR_CTP_INVALID_JSON_BODY',
  'FST_ERR_CTP_EMPTY_JSON_BODY',
]);

/**
 * The codes of other unreadable requests. Without `entity.verify.failed` and `FST_ERR_VALIDATION`, because `verify`
 * functions and schemas belong to the host.
 */
const UNREADABLE = new Set([
  'entity.too.large',
  'charset.unsupported',
  'encoding.unsupported',
  'request.aborted',
  'request.size.invalid',
  'parameters.too.many',
  'querystring.parse.rangeError',
  'stream.encoding.set',
  'stream.not.readable',
  'FST_ERR_CTP_BODY_TOO_LARGE',
  'FST_ERR_CTP_INVALID_MEDIA_TYPE',
  'FST_ERR_CTP_INVALID_CONTENT_LENGTH',
  'FST_ERR_BAD_URL',
  'FST_ERR_MAX_PARAM_LENGTH',
  'FST_ERR_ROUTE_MISSING_CONTENT_TYPE',
]);

/** Prefixes of error codes of zlib, brotli and zstd, for a damaged compressed body. */
const DECOMPRESSION = ['Z_', 'ERR__ERROR_', 'ERR_BROTLI_', 'ZSTD_'];

const BY_STATUS = new Map<number, AuthErrorCode>([
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
]);

/**
 * Converts a failure before any route was reached (an unreadable body, a malformed path, an unknown path) to an error of
 * the library. Null for anything that a route, a guard or a pipe threw. The two differ because Nest's adapters keep the
 * error of the parser or router as the `cause`, and an unknown route has Nest's own message.
 */
export function failureBeforeRoute(
  exception: unknown,
  adapter: HttpServer,
  request: unknown,
): AuthError | null {
  if (exception instanceof NotFoundException)
    return exception.message === unknownRoute(adapter, request)
      ? new AuthError('NOT_FOUND', { cause: exception })
      : null;
  const cause = exception instanceof HttpException ? exception.cause : exception;
  if (cause === undefined && exception instanceof HttpException && !('mapException' in adapter))
    return failureOfNest11(exception);
  return typeof cause === 'object' && cause !== null ? failureOf(cause, request) : null;
}

/** @param cause the error of the parser or router */
function failureOf(cause: object, request: unknown): AuthError | null {
  const { statusCode, status, type, code } = cause as Record<string, unknown>;
  // A path parameter that cannot be decoded.
  if (cause instanceof URIError && (status === 400 || statusCode === 400))
    return malformed(400, cause, false);
  // Fastify passes on Node's own error if the client leaves while it sends the body.
  if (code === 'ECONNRESET' && isCutShort(request)) return malformed(400, cause, false);
  // Fastify requires a type of QUERY requests before it looks whether there is a route.
  if (code === 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE' && (request as { is404?: boolean }).is404)
    return new AuthError('NOT_FOUND', { cause });
  if (typeof statusCode !== 'number' || statusCode >= 500) return null;
  const names = [type, code].filter((name) => typeof name === 'string');
  const isNotJson = names.some((name) => NOT_JSON.has(name));
  return isNotJson || names.some(isUnreadable) ? malformed(statusCode, cause, isNotJson) : null;
}

/** Whether the client left before the request was complete. Without it, the error may be that of another connection. */
function isCutShort(request: unknown): boolean {
  const given = request as Partial<IncomingMessage> & { readonly raw?: IncomingMessage };
  const { complete, destroyed } = given.raw ?? given;
  return complete === false && destroyed === true;
}

function isUnreadable(name: string): boolean {
  return UNREADABLE.has(name) || DECOMPRESSION.some((prefix) => name.startsWith(prefix));
}

/** Nest's message for an unknown path. */
function unknownRoute(adapter: HttpServer, request: unknown): string {
  return `Cannot ${adapter.getRequestMethod?.(request)} ${adapter.getRequestUrl?.(request)}`;
}

/** Nest 11 drops the error of the parser or router and keeps only its message, so the message has to be matched. */
function failureOfNest11(exception: HttpException): AuthError | null {
  const messages =
    /\bJSON\b|^Failed to decode param|not a valid url component|^Request body|^Unsupported Media Type/;
  if (!messages.test(exception.message)) return null;
  return malformed(exception.getStatus(), exception, exception.message.includes('JSON'));
}

function malformed(status: number, cause: unknown, isNotJson: boolean): AuthError {
  const code = BY_STATUS.get(status);
  if (code || isNotJson) return new AuthError(code ?? 'MALFORMED_REQUEST', { cause });
  return new AuthError('MALFORMED_REQUEST', { message: 'The request could not be read.', cause });
}
