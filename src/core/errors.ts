/**
 * Every code the product answers with, its HTTP status and its public message. The codes are stable API:
 * clients decide by them, never by the message.
 */
export const AUTH_ERRORS = {
  VALIDATION_FAILED: [400, 'The request has invalid fields.'],
  MALFORMED_REQUEST: [400, 'The request body is not valid JSON.'],
  PAYLOAD_TOO_LARGE: [413, 'The request body is too large.'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'The request body must be application/json.'],
  ACTION_TOKEN_INVALID: [400, 'The link is invalid, was used, or is too old. Ask for a new one.'],
  WEAK_PASSWORD: [400, 'The password is too weak.'],
  EMAIL_TAKEN: [409, 'This e-mail address is already registered.'],
  INVALID_CREDENTIALS: [401, 'E-mail or password is wrong.'],
  ACCOUNT_DISABLED: [403, 'This account is disabled.'],
  EMAIL_NOT_VERIFIED: [403, 'The e-mail address is not verified yet. Look for the message with the link.'],
  TOO_MANY_ATTEMPTS: [429, 'Too many attempts. Try again later.'],
  ACCESS_TOKEN_MISSING: [401, 'An access token is required.'],
  ACCESS_TOKEN_INVALID: [401, 'The access token is invalid.'],
  ACCESS_TOKEN_EXPIRED: [401, 'The access token has expired.'],
  ACCESS_TOKEN_REVOKED: [401, 'The access token has been revoked.'],
  REFRESH_TOKEN_MISSING: [401, 'A refresh token is required.'],
  REFRESH_TOKEN_INVALID: [401, 'The refresh token is invalid.'],
  REFRESH_TOKEN_EXPIRED: [401, 'The refresh token has expired.'],
  REFRESH_TOKEN_UNKNOWN: [401, 'The refresh token belongs to no known session.'],
  REFRESH_TOKEN_REUSED: [401, 'The refresh token was used before; the session has been ended.'],
  SESSION_REVOKED: [401, 'The session has been ended.'],
  SUSPICIOUS_ACTIVITY: [403, 'The request was refused because it looks unlike the owner of the session.'],
  CROSS_SITE_REQUEST: [403, 'Requests from this site are not allowed.'],
  FORBIDDEN: [403, 'You are not allowed to do this.'],
  NOT_FOUND: [404, 'Not found.'],
  TEMPORARILY_UNAVAILABLE: [503, 'The service is temporarily unavailable. Try again shortly.'],
  INTERNAL: [500, 'Something went wrong.'],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type AuthErrorCode = keyof typeof AUTH_ERRORS;

export interface FieldProblem {
  /** Path of the field in the request body. */
  readonly field: string;
  readonly message: string;
}

export interface AuthErrorInit {
  /** Replaces the code's public message; reaches the client. */
  readonly message?: string;
  /** For the log only; never reaches a client and never holds a secret. */
  readonly detail?: string;
  readonly cause?: unknown;
  readonly fields?: readonly FieldProblem[];
  /** Seconds for `Retry-After` (429 and 503). */
  readonly retryAfter?: number;
  /** The refusal says nothing against the refresh cookie: it may already hold a newer token. */
  readonly keepsCookie?: boolean;
}

/** The one error of the library: a stable `code`, a public message, a private `detail`. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly status: number;
  readonly detail: string | undefined;
  readonly fields: readonly FieldProblem[] | undefined;
  readonly retryAfter: number | undefined;
  readonly keepsCookie: boolean;

  constructor(
    readonly code: AuthErrorCode,
    init: AuthErrorInit = {},
  ) {
    const [status, message] = AUTH_ERRORS[code];
    super(init.message ?? message, init.cause === undefined ? undefined : { cause: init.cause });
    this.status = status;
    this.detail = init.detail;
    this.fields = init.fields;
    this.retryAfter = init.retryAfter ?? (status === 503 ? 1 : undefined);
    this.keepsCookie = init.keepsCookie ?? false;
  }

  /** What GraphQL servers copy into `errors[].extensions`. */
  get extensions(): { code: AuthErrorCode; statusCode: number } {
    return { code: this.code, statusCode: this.status };
  }
}
