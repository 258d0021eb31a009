import type { AuthErrorCode } from '../../core/errors.js';
import type { Method } from './open-api.types.js';

/** Anything with a body can be unreadable, whether a route needs one or not. */
const BODY = ['MALFORMED_REQUEST', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const;
const FIELDS = ['VALIDATION_FAILED', ...BODY] as const;
const GUARD = [
  'ACCESS_TOKEN_MISSING',
  'ACCESS_TOKEN_INVALID',
  'ACCESS_TOKEN_EXPIRED',
  'ACCESS_TOKEN_REVOKED',
] as const;
const ANYWHERE = ['TEMPORARILY_UNAVAILABLE', 'INTERNAL'] as const;

/** Every code that a route can answer with. */
export const CODES = {
  register: [
    ...FIELDS,
    'CROSS_SITE_REQUEST',
    'TOO_MANY_ATTEMPTS',
    'WEAK_PASSWORD',
    'EMAIL_TAKEN',
    ...ANYWHERE,
  ],
  login: [
    ...FIELDS,
    'CROSS_SITE_REQUEST',
    'TOO_MANY_ATTEMPTS',
    'INVALID_CREDENTIALS',
    'ACCOUNT_DISABLED',
    'SUSPICIOUS_ACTIVITY',
    ...ANYWHERE,
  ],
  refresh: [
    ...FIELDS,
    'CROSS_SITE_REQUEST',
    'TOO_MANY_ATTEMPTS',
    'REFRESH_TOKEN_MISSING',
    'REFRESH_TOKEN_INVALID',
    'REFRESH_TOKEN_EXPIRED',
    'REFRESH_TOKEN_UNKNOWN',
    'REFRESH_TOKEN_REUSED',
    'SESSION_REVOKED',
    'SUSPICIOUS_ACTIVITY',
    ...ANYWHERE,
  ],
  logout: [...FIELDS, 'CROSS_SITE_REQUEST', ...ANYWHERE],
  logoutAll: [...BODY, 'CROSS_SITE_REQUEST', ...GUARD, ...ANYWHERE],
  me: [...GUARD, ...ANYWHERE],
  listSessions: [...GUARD, ...ANYWHERE],
  endSession: [...BODY, ...GUARD, 'NOT_FOUND', ...ANYWHERE],
  endOtherSessions: [...BODY, ...GUARD, ...ANYWHERE],
  changePassword: [
    ...FIELDS,
    'CROSS_SITE_REQUEST',
    'TOO_MANY_ATTEMPTS',
    ...GUARD,
    'WEAK_PASSWORD',
    'INVALID_CREDENTIALS',
    ...ANYWHERE,
  ],
} as const satisfies Record<string, readonly AuthErrorCode[]>;

export type RouteName = keyof typeof CODES;

/** A new code breaks the build here until some route says it. `FORBIDDEN` is for routes of the host with `@Roles()`. */
type Unsaid = Exclude<AuthErrorCode, (typeof CODES)[RouteName][number] | 'FORBIDDEN'>;
const _everyCodeIsSaid: [Unsaid] extends [never] ? true : Unsaid = true;

export interface Route {
  readonly method: Method;
  /** Behind the prefix. */
  readonly path: string;
  readonly tag: 'Login' | 'Sessions';
  readonly summary: string;
  readonly description: string;
  /** Alternatives; null is none at all. */
  readonly needs: readonly ('accessToken' | 'refreshCookie' | null)[];
  readonly request?: { readonly schema: string; readonly required: boolean };
  readonly success: {
    readonly status: 200 | 201 | 204;
    readonly description: string;
    readonly schema?: string;
    readonly isList?: true;
    /** What the answer does to the refresh cookie; a login remembers the device too. */
    readonly cookie?: 'set' | 'set with device' | 'cleared' | 'cleared if yours';
  };
}

const TOKENS = {
  schema: 'TokenAnswer',
  cookie: 'set',
  description: 'The access token, the user and the session; the refresh token in the session’s transport.',
} as const;

export const ROUTES: Readonly<Record<RouteName, Route>> = {
  register: {
    method: 'post',
    path: '/register',
    tag: 'Login',
    summary: 'Create an account and log in',
    description: 'Begins the first session of a new user.',
    needs: [null],
    request: { schema: 'RegisterRequest', required: true },
    success: { ...TOKENS, status: 201, cookie: 'set with device' },
  },
  login: {
    method: 'post',
    path: '/login',
    tag: 'Login',
    summary: 'Log in',
    description:
      'Begins a session. An unknown e-mail and a wrong password get the same answer in the same time. Beyond the allowed number of sessions, the one unused longest ends.',
    needs: [null],
    request: { schema: 'LoginRequest', required: true },
    success: { ...TOKENS, status: 200, cookie: 'set with device' },
  },
  refresh: {
    method: 'post',
    path: '/refresh',
    tag: 'Login',
    summary: 'Get a new access token, silently',
    description:
      'Exchanges the refresh token for a new one and a new access token. In a browser send no body and `credentials: "include"`. Safe to retry: two tabs at once, or a request whose answer was lost, get the same successor. A replaced token that comes back later is taken for theft and ends the session.',
    needs: ['refreshCookie', null],
    request: { schema: 'RefreshTokenRequest', required: false },
    success: { ...TOKENS, status: 200 },
  },
  logout: {
    method: 'post',
    path: '/logout',
    tag: 'Login',
    summary: 'Log out here',
    description:
      'Ends the session of the refresh token or of the access token (both, where they are of different sessions), expired ones too. Without any token, or when already logged out, it succeeds as well.',
    needs: ['refreshCookie', 'accessToken', null],
    request: { schema: 'RefreshTokenRequest', required: false },
    success: { status: 204, description: 'Logged out.', cookie: 'cleared' },
  },
  logoutAll: {
    method: 'post',
    path: '/logout-all',
    tag: 'Login',
    summary: 'Log out everywhere',
    description: 'Ends every session of the user; every access token is dead within about a second.',
    needs: ['accessToken'],
    success: { status: 204, description: 'Logged out everywhere.', cookie: 'cleared if yours' },
  },
  me: {
    method: 'get',
    path: '/me',
    tag: 'Login',
    summary: 'Who is logged in',
    description: 'The user of the access token.',
    needs: ['accessToken'],
    success: { status: 200, description: 'The user.', schema: 'Profile' },
  },
  listSessions: {
    method: 'get',
    path: '/sessions',
    tag: 'Sessions',
    summary: 'Where the user is logged in',
    description: 'Live sessions, the one used last first.',
    needs: ['accessToken'],
    success: { status: 200, description: 'The sessions.', schema: 'Session', isList: true },
  },
  endSession: {
    method: 'delete',
    path: '/sessions/{id}',
    tag: 'Sessions',
    summary: 'End one session',
    description: 'Also the current one. Its access token is dead within about a second.',
    needs: ['accessToken'],
    success: { status: 204, description: 'Ended.' },
  },
  endOtherSessions: {
    method: 'delete',
    path: '/sessions',
    tag: 'Sessions',
    summary: 'End all other sessions',
    description: 'All but the current one.',
    needs: ['accessToken'],
    success: { status: 204, description: 'Ended.' },
  },
  changePassword: {
    method: 'post',
    path: '/change-password',
    tag: 'Login',
    summary: 'Change the password',
    description:
      'A new session takes the place of this one, in the same transport; all other sessions end. Use the tokens of the answer from then on.',
    needs: ['accessToken'],
    request: { schema: 'ChangePasswordRequest', required: true },
    success: { ...TOKENS, status: 200 },
  },
};
