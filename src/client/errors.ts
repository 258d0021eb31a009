export interface AuthClientErrorInit {
  readonly code: string;
  readonly message: string;
  readonly status?: number | undefined;
  readonly details?: readonly FieldProblem[] | undefined;
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** A field that the server found invalid. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/**
 * Every failure of the client. `code` is the server's (`INVALID_CREDENTIALS`, `WEAK_PASSWORD`, …) or one of the
 * client's own: `NETWORK_ERROR` (no answer), `UNEXPECTED_ANSWER` (not from the auth routes: a proxy's error page, say),
 * `STORAGE_FAILED` (the token storage), `SUPERSEDED` (a login or logout came in between).
 */
export class AuthClientError extends Error {
  override readonly name = 'AuthClientError';
  readonly code: string;
  /** HTTP status; `undefined` without an answer. */
  readonly status: number | undefined;
  /** The invalid fields, with `VALIDATION_FAILED`. */
  readonly details: readonly FieldProblem[] | undefined;
  /** Seconds, with 429 and 503. */
  readonly retryAfter: number | undefined;

  constructor({ code, message, status, details, retryAfter, cause }: AuthClientErrorInit) {
    super(message, { cause });
    this.code = code;
    this.status = status;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

/** Whether the refusal of a refresh ends the session. Anything else is a fault of the network between. */
export function isFinal({ code, status }: AuthClientError): boolean {
  return (
    (status === 401 || status === 403) &&
    /^(REFRESH_TOKEN_\w+|SESSION_REVOKED|SUSPICIOUS_ACTIVITY)$/.test(code)
  );
}

/** Whether an API refused a request because of its access token. */
export const refusesAccessToken = (code: unknown): boolean =>
  typeof code === 'string' && code.startsWith('ACCESS_TOKEN_');

export const superseded = (): AuthClientError =>
  new AuthClientError({ code: 'SUPERSEDED', message: 'A login or logout came in between.' });
