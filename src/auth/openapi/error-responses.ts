import { STATUS_CODES } from 'node:http';
import { AUTH_ERRORS, type AuthErrorCode } from '../../core/errors.js';
import { clearedCookie, noStore, retryAfter, setCookie, wwwAuthenticate } from './headers.js';
import type { Reference, Response, Schema } from './open-api.types.js';

/** When a client sees a code, and what it does then. */
const MEANING: Record<AuthErrorCode, string> = {
  VALIDATION_FAILED: 'A field is missing, unknown, too long or of the wrong type; `details` names each.',
  MALFORMED_REQUEST: 'The body or the URL cannot be read.',
  PAYLOAD_TOO_LARGE: 'The body is over 16 kB.',
  UNSUPPORTED_MEDIA_TYPE: 'Send `Content-Type: application/json`.',
  WEAK_PASSWORD: 'Ask for another password; `message` says why.',
  ACTION_TOKEN_INVALID: 'The token of the link is unknown, used up or too old: offer to send another one.',
  EMAIL_TAKEN: 'Offer the login instead.',
  INVALID_CREDENTIALS: 'E-mail or password is wrong; which of them is not told.',
  ACCOUNT_DISABLED: 'The password is right, but the account is disabled.',
  EMAIL_NOT_VERIFIED:
    'The password is right, but the address is not verified yet: a message with a new link is on its way.',
  TOO_MANY_ATTEMPTS: 'Wait for the seconds of `Retry-After`.',
  ACCESS_TOKEN_MISSING: 'Send `Authorization: Bearer <access token>`.',
  ACCESS_TOKEN_INVALID: 'Forged, damaged, or for somebody else: discard the token.',
  ACCESS_TOKEN_EXPIRED: 'Refresh, and send the request again.',
  ACCESS_TOKEN_REVOKED: 'The session or the user was ended: refresh; where that is refused too, log in.',
  REFRESH_TOKEN_MISSING: 'Neither the body nor the cookie has one: log in.',
  REFRESH_TOKEN_INVALID: 'Forged, damaged, or presented by the other transport than its own: log in.',
  REFRESH_TOKEN_EXPIRED: 'The session was unused for too long: log in.',
  REFRESH_TOKEN_UNKNOWN: 'No such session: log in.',
  REFRESH_TOKEN_REUSED:
    'A token came back that had been replaced: theft is assumed and the session has ended. Log in, and warn the user.',
  SESSION_REVOKED: 'The session was ended: log in.',
  SUSPICIOUS_ACTIVITY: 'The request does not look like the session’s owner; the session has ended. Log in.',
  CROSS_SITE_REQUEST: 'The page’s origin is neither the service’s own nor a trusted one.',
  FORBIDDEN: 'The user lacks a role.',
  NOT_FOUND: 'There is none, or it is not yours.',
  TEMPORARILY_UNAVAILABLE: 'Try again after the seconds of `Retry-After`. Nobody is logged out by it.',
  INTERNAL: 'A bug of the service.',
};

/** Refusals of a refresh token that make its cookie useless: it is cleared. */
const CLEARING: ReadonlySet<AuthErrorCode> = new Set<AuthErrorCode>([
  'REFRESH_TOKEN_INVALID',
  'REFRESH_TOKEN_EXPIRED',
  'REFRESH_TOKEN_UNKNOWN',
  'REFRESH_TOKEN_REUSED',
  'SESSION_REVOKED',
  'SUSPICIOUS_ACTIVITY',
]);

const CODES = Object.keys(AUTH_ERRORS) as AuthErrorCode[];

export const ERROR_SCHEMAS: Record<string, Schema> = {
  ErrorCode: {
    type: 'string',
    enum: CODES,
    description: `Stable; decide by it, never by the message.\n\n${list(CODES, (code) => `${AUTH_ERRORS[code][0]}. ${MEANING[code]}`)}`,
  },
  Error: {
    type: 'object',
    description: 'The one shape of an error.',
    properties: errorProperties({ $ref: '#/components/schemas/ErrorCode' }),
    required: ['statusCode', 'code', 'message', 'error'],
    additionalProperties: false,
  },
  ValidationError: {
    type: 'object',
    description: 'An error that names the fields at fault.',
    properties: {
      ...errorProperties({ const: 'VALIDATION_FAILED' }),
      details: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/FieldProblem' } },
    },
    required: ['statusCode', 'code', 'message', 'error', 'details'],
    additionalProperties: false,
  },
  FieldProblem: {
    type: 'object',
    properties: {
      field: {
        type: 'string',
        description: 'Name of the field in the request body; empty where the body itself is at fault.',
        examples: ['email'],
      },
      message: { type: 'string', examples: ['email must be an email'] },
    },
    required: ['field', 'message'],
    additionalProperties: false,
  },
};

/** The responses of a route that can answer with these codes, by status. */
export function errorResponses(
  codes: readonly AuthErrorCode[],
  refreshCookie: string,
): Record<string, Response> {
  const byStatus = new Map<number, AuthErrorCode[]>();
  for (const code of codes) {
    const [status] = AUTH_ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [status, errorResponse(status, ofStatus, refreshCookie)]),
  );
}

function errorResponse(status: number, codes: AuthErrorCode[], refreshCookie: string): Response {
  const clears = codes.filter((code) => CLEARING.has(code));
  const why = 'Clears the refresh cookie, if it was the cookie that was refused';
  return {
    description: list(codes, (code) => MEANING[code]),
    headers: {
      'Cache-Control': noStore(),
      ...(status === 401 ? { 'WWW-Authenticate': wwwAuthenticate() } : {}),
      ...(status === 429 || status === 503 ? { 'Retry-After': retryAfter() } : {}),
      ...(clears.length > 0
        ? { 'Set-Cookie': setCookie([clearedCookie(refreshCookie)], `${why} (${clears.join(', ')}).`) }
        : {}),
    },
    content: {
      'application/json': { schema: errorSchema(status, codes), example: example(status, codes[0]) },
    },
  };
}

function errorSchema(status: number, codes: AuthErrorCode[]): Schema | Reference {
  const invalid: Reference = { $ref: '#/components/schemas/ValidationError' };
  const others = codes.filter((code) => code !== 'VALIDATION_FAILED');
  if (others.length === 0) return invalid;
  const plain: Schema = {
    allOf: [
      { $ref: '#/components/schemas/Error' },
      {
        properties: {
          statusCode: { const: status },
          code: { enum: others },
          error: { const: STATUS_CODES[status] },
        },
      },
    ],
  };
  return others.length < codes.length ? { oneOf: [invalid, plain] } : plain;
}

function errorProperties(code: Schema | Reference): Record<string, Schema | Reference> {
  return {
    statusCode: { type: 'integer', examples: [400] },
    code,
    message: { type: 'string', minLength: 1, description: 'For people; may change.' },
    error: { type: 'string', description: 'The status in words.', examples: ['Bad Request'] },
  };
}

function example(status: number, code: AuthErrorCode | undefined): unknown {
  if (code === undefined) return undefined;
  const error = { statusCode: status, code, message: AUTH_ERRORS[code][1], error: STATUS_CODES[status] };
  return code === 'VALIDATION_FAILED'
    ? { ...error, details: [{ field: 'email', message: 'email must be an email' }] }
    : error;
}

function list(codes: readonly AuthErrorCode[], text: (code: AuthErrorCode) => string): string {
  return codes.map((code) => `- \`${code}\`: ${text(code)}`).join('\n');
}
