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
 * client's own: `NETWORK_ERROR` (no answer), `UNEXPECTED_ANSWER` (such as a proxy's error page), `STORAGE_FAILED`
 * (the token storage), `SUPERSEDED` (a login or logout came in between), `INVALID_OPTIONS` (options that cannot
 * work).
 *
 * @example
 * try {
 * await auth.login({ email, password });
 * } catch (error) {
 * if (error instanceof AuthClientError && error.code === 'INVALID_CREDENTIALS') showWrongPassword();
 * else throw error;
 * }
 */
export class AuthClientError extends Error {
  override readonly name = 'AuthClientError';
  readonly code: string;
  /** HTTP status; `undefined` without an answer. */
  readonly status: number | undefined;
  /** The invalid fields, with `VALIDATION_FAILED`. */
  readonly details: readonly FieldProblem[] | undefined;
  /** Seconds to wait before the next try, with status 429 and 503. */
  readonly retryAfter: number | undefined;

  constructor({ code, message, status, details, retryAfter, cause }: AuthClientErrorInit) {
    super(message, { cause });
    this.code = code;
    this.status = status;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

export const invalidOptions = (message: string): AuthClientError =>
  new AuthClientError({ code: 'INVALID_OPTIONS', message });

export const superseded = (): AuthClientError =>
  new AuthClientError({ code: 'SUPERSEDED', message: 'A login or logout came first.' });

/** Compares the code, not the class: a bundle may hold one copy of the class for each entry of this package. */
export const isSuperseded = (error: unknown): boolean =>
  (error as AuthClientError | undefined)?.code === 'SUPERSEDED';
