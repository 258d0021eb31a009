/** The facts about one code that the filters, the OpenAPI document, the client and the docs share. */
interface AuthErrorFacts {
  readonly status: number;
  /** Public, for people: it may change between versions. */
  readonly message: string;
  /** When a client gets the code, and what it should do. */
  readonly meaning: string;
  /** Where a client can get it: operations of the OpenAPI document, by id or by a trait that they share. */
  readonly on: readonly string[];
  /**
   * The `error` of `WWW-Authenticate`: a token was sent, and it is not valid (RFC 6750 §3.1), there is no valid proof of its
   * key (RFC 9449 §7.1), or its user must prove again who they are (RFC 9470 §3).
   */
  readonly challenge?:
    'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce' | 'insufficient_user_authentication';
  /** Retrying with this refresh token never succeeds: the client logs in. */
  readonly isFinal?: true;
  /** The session of the token has ended: the cookie that held the token is cleared. */
  readonly clearsCookie?: true;
}

const table = <Code extends string>(rows: Record<Code, AuthErrorFacts>): Readonly<typeof rows> => rows;

/**
 * Every error code. The codes are stable API: clients decide by them, never by the message. Filters, the OpenAPI document and
 * docs/reference/errors.md derive from this table.
 */
export const AUTH_ERRORS = table({
  VALIDATION_FAILED: {
    status: 400,
    message: 'The request has invalid fields.',
    meaning: 'A field is missing, unknown, too long or of the wrong type; `details` names each.',
    on: ['fields'],
  },
  MALFORMED_REQUEST: {
    status: 400,
    message: 'The request body is not valid JSON.',
    meaning: 'The body or the URL cannot be read.',
    on: ['body'],
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    message: 'The request body is too large.',
    meaning: 'The body is over 16 kB.',
    on: ['body'],
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    message: 'The request body must be application/json.',
    meaning: 'Send `Content-Type: application/json`.',
    on: ['body'],
  },
  ACTION_TOKEN_INVALID: {
    status: 400,
    message: 'The link is invalid, was used, or is too old. Ask for a new one.',
    meaning: 'The token of the link is unknown, used up or too old: offer to send another one.',
    on: ['resetPassword', 'verifyEmail'],
  },
  WEAK_PASSWORD: {
    status: 400,
    message: 'The password is too weak.',
    meaning: 'Too short, too obvious or among the most used; `message` says which. Ask for another one.',
    on: ['register', 'changePassword', 'resetPassword'],
  },
  EMAIL_TAKEN: {
    status: 409,
    message: 'This e-mail address is already registered.',
    meaning: 'Offer the login instead.',
    on: ['register', 'verifyEmail'],
  },
  INVALID_CREDENTIALS: {
    status: 401,
    message: 'E-mail or password is wrong.',
    meaning: 'E-mail or password is wrong; the answer does not say which.',
    on: ['login', 'changePassword', 'reauthenticate', 'changeEmail', 'deleteAccount'],
  },
  PASSWORD_NOT_SET: {
    status: 409,
    message: 'This account has no password yet. Ask for a link to set one.',
    meaning: 'The user has no password to change: they set the first one by a link (`forgot-password`).',
    on: ['changePassword'],
  },
  ACCOUNT_DISABLED: {
    status: 403,
    message: 'This account is disabled.',
    meaning: 'The account is disabled. At a login, the password was right.',
    on: ['login', 'impersonateUser'],
  },
  EMAIL_NOT_VERIFIED: {
    status: 403,
    message: 'The e-mail address is not verified yet. Look for the message with the link.',
    meaning:
      'The password is right, but the address is not verified yet: a message with a new link is on its way.',
    on: ['login'],
  },
  TOO_MANY_ATTEMPTS: {
    status: 429,
    message: 'Too many attempts. Try again later.',
    meaning: 'Wait for the seconds of `Retry-After`.',
    on: ['throttle'],
  },
  ACCESS_TOKEN_MISSING: {
    status: 401,
    message: 'An access token is required.',
    meaning: 'Send `Authorization: Bearer <access token>`.',
    on: ['accessToken'],
  },
  ACCESS_TOKEN_INVALID: {
    status: 401,
    message: 'The access token is invalid.',
    meaning: 'Forged, damaged, or for another service: discard the token.',
    on: ['accessToken'],
    challenge: 'invalid_token',
  },
  ACCESS_TOKEN_EXPIRED: {
    status: 401,
    message: 'The access token has expired.',
    meaning: 'Refresh, and send the request again.',
    on: ['accessToken'],
    challenge: 'invalid_token',
  },
  ACCESS_TOKEN_REVOKED: {
    status: 401,
    message: 'The access token has been revoked.',
    meaning: 'The session or the user was ended: refresh; if that is refused too, log in.',
    on: ['accessToken'],
    challenge: 'invalid_token',
  },
  TICKET_INVALID: {
    status: 401,
    message: 'The ticket is invalid, was used, or is too old.',
    meaning: 'In a socket: the ticket is unknown, used up or too old. Fetch another one and connect again.',
    on: [],
    challenge: 'invalid_token',
  },
  REAUTHENTICATION_REQUIRED: {
    status: 401,
    message: 'Confirm that it is you.',
    meaning:
      'The user must prove again who they are: ask for the password, send it to `reauthenticate`, and repeat the request with the new access token. The session stays valid.',
    on: ['freshAuth'],
    challenge: 'insufficient_user_authentication',
  },
  REFRESH_TOKEN_MISSING: {
    status: 401,
    message: 'A refresh token is required.',
    meaning: 'Neither the body nor the cookie has one: log in.',
    on: ['refresh'],
    isFinal: true,
  },
  REFRESH_TOKEN_INVALID: {
    status: 401,
    message: 'The refresh token is invalid.',
    meaning:
      'Forged, damaged, of another service, or presented by the wrong transport: log in. The cookie stays.',
    on: ['refresh'],
    challenge: 'invalid_token',
    isFinal: true,
  },
  REFRESH_TOKEN_EXPIRED: {
    status: 401,
    message: 'The refresh token has expired.',
    meaning: 'The session was unused for too long: log in.',
    on: ['refresh'],
    challenge: 'invalid_token',
    isFinal: true,
    clearsCookie: true,
  },
  REFRESH_TOKEN_UNKNOWN: {
    status: 401,
    message: 'The refresh token belongs to no known session.',
    meaning: 'No such session: log in.',
    on: ['refresh'],
    challenge: 'invalid_token',
    isFinal: true,
    clearsCookie: true,
  },
  REFRESH_TOKEN_REUSED: {
    status: 401,
    message: 'The refresh token was used before; the session has been ended.',
    meaning:
      'A token came back that had been replaced: theft is assumed and the session has ended. Log in, and warn the user.',
    on: ['refresh'],
    challenge: 'invalid_token',
    isFinal: true,
    clearsCookie: true,
  },
  SESSION_REVOKED: {
    status: 401,
    message: 'The session has been ended.',
    meaning: 'The session was ended: log in.',
    on: ['refresh'],
    challenge: 'invalid_token',
    isFinal: true,
    clearsCookie: true,
  },
  REFRESH_SUPERSEDED: {
    status: 409,
    message: 'This refresh was answered long ago.',
    meaning:
      'The same attempt was answered before: read the stored token again, draw a new attempt and refresh. Nobody is logged out by it.',
    on: ['refresh'],
  },
  REFRESH_CONTESTED: {
    status: 409,
    message: 'Another refresh has just replaced this token.',
    meaning:
      'Another attempt replaced the same token a moment ago: read the stored token again, then retry. Nobody is logged out by it.',
    on: ['refresh'],
  },
  PROOF_REQUIRED: {
    status: 401,
    message: 'A proof of possession of the key is required.',
    meaning:
      'The session is bound to a key and there is no valid proof of it, or proofs are required. Nothing has changed. With `Retry-After` try again; key lost: log in.',
    on: ['proof'],
    challenge: 'invalid_dpop_proof',
  },
  PROOF_NONCE_REQUIRED: {
    status: 401,
    message: 'The proof of possession needs the nonce of this answer.',
    meaning:
      'The proof has no current nonce, or was used before. Nothing has changed. Sign another one with the nonce of `DPoP-Nonce`, and repeat the request once.',
    on: ['proof'],
    challenge: 'use_dpop_nonce',
  },
  DEVICE_PROOF_REQUIRED: {
    status: 403,
    message: 'A proof of the key of this device is required.',
    meaning:
      'For browsers only, which answer it by themselves: at a renewal they sign the challenge of `Secure-Session-Challenge`.',
    on: ['registerDevice', 'renewDevice'],
  },
  SUSPICIOUS_ACTIVITY: {
    status: 403,
    message: 'The request was refused because it looks unlike the owner of the session.',
    meaning: 'The request does not look like the session’s owner; the session has ended. Log in.',
    on: ['login', 'refresh'],
    isFinal: true,
    clearsCookie: true,
  },
  CROSS_SITE_REQUEST: {
    status: 403,
    message: 'Requests from this site are not allowed.',
    meaning: 'The page’s origin is neither the service’s own nor a trusted one.',
    on: ['sameSite'],
  },
  FORBIDDEN: {
    status: 403,
    message: 'You are not allowed to do this.',
    meaning: 'The user lacks a role, or somebody who acts for a user asks for what only the user may do.',
    on: ['admin', 'freshAuth', 'owner'],
  },
  NOT_FOUND: {
    status: 404,
    message: 'Not found.',
    meaning: 'It does not exist, or it is not yours.',
    on: ['id'],
  },
  TEMPORARILY_UNAVAILABLE: {
    status: 503,
    message: 'The service is temporarily unavailable. Try again shortly.',
    meaning: 'Try again after the seconds of `Retry-After`. Nobody is logged out by it.',
    on: ['any'],
  },
  INTERNAL: {
    status: 500,
    message: 'Something went wrong.',
    meaning: 'A bug of the service.',
    on: ['any'],
  },
});

export type AuthErrorCode = keyof typeof AUTH_ERRORS;

export const AUTH_ERROR_CODES = Object.keys(AUTH_ERRORS) as AuthErrorCode[];

export interface FieldProblem {
  /** Path of the field in the request body. */
  readonly field: string;
  readonly message: string;
}

export interface AuthErrorInit {
  /** Replaces the code's public message; reaches the client. */
  readonly message?: string;
  /** For the log only, never sent to clients; holds no secret. */
  readonly detail?: string;
  readonly cause?: unknown;
  readonly fields?: readonly FieldProblem[];
  /** Seconds for `Retry-After` (429 and 503). */
  readonly retryAfter?: number;
  /** Value of `DPoP-Nonce`: the nonce that the next proof must contain. */
  readonly proofNonce?: string | undefined;
  /** Maximum age of the user's last authentication, in seconds (`max_age`, RFC 9470 §3). */
  readonly maxAge?: number;
  /** Keeps the refresh cookie despite a final refusal: it may already hold a newer token. */
  readonly keepsCookie?: boolean;
}

/** The library's error class: a stable `code`, a public message and a private `detail`. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly status: number;
  readonly detail: string | undefined;
  readonly fields: readonly FieldProblem[] | undefined;
  readonly retryAfter: number | undefined;
  readonly proofNonce: string | undefined;
  readonly maxAge: number | undefined;
  readonly keepsCookie: boolean;

  constructor(
    readonly code: AuthErrorCode,
    init: AuthErrorInit = {},
  ) {
    const { status, message } = AUTH_ERRORS[code];
    super(init.message ?? message, init.cause === undefined ? undefined : { cause: init.cause });
    this.status = status;
    this.detail = init.detail;
    this.fields = init.fields;
    this.retryAfter = init.retryAfter ?? (status === 503 ? 1 : undefined);
    this.proofNonce = init.proofNonce;
    this.maxAge = init.maxAge;
    this.keepsCookie = init.keepsCookie ?? false;
  }

  /** What GraphQL servers copy into `errors[].extensions`. */
  get extensions(): { code: AuthErrorCode; statusCode: number } {
    return { code: this.code, statusCode: this.status };
  }
}
