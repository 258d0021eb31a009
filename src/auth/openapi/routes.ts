import type { AuthErrorCode } from '../../core/errors.js';
import { AUTH_EVENT_NAMES } from '../../core/security-event.js';
import { REPORT_FORMATS } from '../admin/security-report-query.dto.js';
import { contentDisposition, contentSecurityPolicy, noSniff } from './headers.js';
import type { Header, Method, Parameter, TextContent } from './open-api.types.js';

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
    'EMAIL_NOT_VERIFIED',
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
  forgotPassword: [...FIELDS, 'CROSS_SITE_REQUEST', 'TOO_MANY_ATTEMPTS', ...ANYWHERE],
  resetPassword: [
    ...FIELDS,
    'CROSS_SITE_REQUEST',
    'TOO_MANY_ATTEMPTS',
    'ACTION_TOKEN_INVALID',
    'WEAK_PASSWORD',
    ...ANYWHERE,
  ],
  verifyEmail: [...FIELDS, 'CROSS_SITE_REQUEST', 'TOO_MANY_ATTEMPTS', 'ACTION_TOKEN_INVALID', ...ANYWHERE],
  listSessionsOfUser: [...GUARD, 'FORBIDDEN', 'NOT_FOUND', ...ANYWHERE],
  endSessionsOfUser: [...BODY, ...GUARD, 'FORBIDDEN', 'NOT_FOUND', ...ANYWHERE],
  disableUser: [...BODY, ...GUARD, 'FORBIDDEN', 'NOT_FOUND', ...ANYWHERE],
  enableUser: [...BODY, ...GUARD, 'FORBIDDEN', 'NOT_FOUND', ...ANYWHERE],
  listSecurityEvents: ['VALIDATION_FAILED', ...GUARD, 'FORBIDDEN', ...ANYWHERE],
  securityReport: ['VALIDATION_FAILED', ...GUARD, 'FORBIDDEN', ...ANYWHERE],
} as const satisfies Record<string, readonly AuthErrorCode[]>;

export type RouteName = keyof typeof CODES;

/** A new code breaks the build here until some route says it. */
type Unsaid = Exclude<AuthErrorCode, (typeof CODES)[RouteName][number]>;
const _everyCodeIsSaid: [Unsaid] extends [never] ? true : Unsaid = true;

export interface Route {
  readonly method: Method;
  /** Behind the prefix. */
  readonly path: string;
  readonly tag: 'Login' | 'Links' | 'Sessions' | 'Administration';
  readonly summary: string;
  readonly description: string;
  /** Alternatives; null is none at all. */
  readonly needs: readonly ('accessToken' | 'refreshCookie' | null)[];
  /** What `{id}` in the path names. */
  readonly idOf?: 'session' | 'user';
  /** Whether there is nothing to answer with where the audit log is off. */
  readonly needsAudit?: true;
  readonly query?: readonly Pick<Parameter, 'name' | 'description' | 'schema'>[];
  readonly request?: { readonly schema: string; readonly required: boolean };
  readonly success: {
    readonly status: 200 | 201 | 202 | 204;
    readonly description: string;
    readonly schema?: string;
    readonly isList?: true;
    /** What it may be besides JSON. */
    readonly texts?: TextContent;
    readonly headers?: Readonly<Record<string, Header>>;
    /** What the answer does to the refresh cookie and to that of the device. */
    readonly cookie?: 'set' | 'set with device' | 'device kept' | 'cleared' | 'cleared if yours';
  };
}

/** Where addresses are verified, nobody is logged in by a registration, and nobody is told whose address is taken. */
export const REGISTRATION_TO_VERIFY: Route['success'] = {
  status: 202,
  description: 'Heard: the owner of the address has mail. More is not told.',
};

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
    idOf: 'session',
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
    success: { ...TOKENS, status: 200, cookie: 'set with device' },
  },
  forgotPassword: {
    method: 'post',
    path: '/forgot-password',
    tag: 'Links',
    summary: 'Ask for a link to set a new password',
    description:
      'Sends a link that is good for ten minutes, if there is such a user. The answer and its time are the same in any case.',
    needs: [null],
    request: { schema: 'ForgotPasswordRequest', required: true },
    success: { status: 202, description: 'Heard; more is not told.' },
  },
  resetPassword: {
    method: 'post',
    path: '/reset-password',
    tag: 'Links',
    summary: 'Set a new password',
    description:
      'With the token of the link, once. Every session of the user ends; log in afterwards. After `WEAK_PASSWORD` the token is still good.',
    needs: [null],
    request: { schema: 'ResetPasswordRequest', required: true },
    success: { status: 204, description: 'Set.', cookie: 'device kept' },
  },
  verifyEmail: {
    method: 'post',
    path: '/verify-email',
    tag: 'Links',
    summary: 'Verify the e-mail address',
    description: 'With the token of the link, once. Send it after a click: programs open links, too.',
    needs: [null],
    request: { schema: 'VerifyEmailRequest', required: true },
    success: { status: 204, description: 'Verified; log in.' },
  },
  listSessionsOfUser: {
    method: 'get',
    path: '/admin/users/{id}/sessions',
    tag: 'Administration',
    summary: 'Where a user is logged in',
    description: 'Live sessions of any user, the one used last first. Looking is audited too.',
    needs: ['accessToken'],
    idOf: 'user',
    success: { status: 200, description: 'The sessions.', schema: 'Session', isList: true },
  },
  endSessionsOfUser: {
    method: 'delete',
    path: '/admin/users/{id}/sessions',
    tag: 'Administration',
    summary: 'Log a user out everywhere',
    description: 'Ends every session of the user; every access token is dead within about a second.',
    needs: ['accessToken'],
    idOf: 'user',
    success: { status: 204, description: 'Ended.' },
  },
  disableUser: {
    method: 'post',
    path: '/admin/users/{id}/disable',
    tag: 'Administration',
    summary: 'Disable a user',
    description:
      'Ends everything he has; he cannot log in until he is enabled. An administrator cannot disable himself.',
    needs: ['accessToken'],
    idOf: 'user',
    success: { status: 204, description: 'Disabled.' },
  },
  enableUser: {
    method: 'post',
    path: '/admin/users/{id}/enable',
    tag: 'Administration',
    summary: 'Enable a user',
    description: 'He can log in again.',
    needs: ['accessToken'],
    idOf: 'user',
    success: { status: 204, description: 'Enabled.' },
  },
  listSecurityEvents: {
    method: 'get',
    path: '/admin/events',
    tag: 'Administration',
    summary: 'What happened',
    description:
      'The audit log, the newest event first. Pages go back in time: what happens meanwhile is newer than the first page, so nothing comes twice and nothing is left out.',
    needs: ['accessToken'],
    needsAudit: true,
    query: [
      {
        name: 'userId',
        description: 'Only events about this user.',
        schema: { type: 'string', maxLength: 128 },
      },
      {
        name: 'type',
        description: 'Only events of this type.',
        schema: { type: 'string', enum: AUTH_EVENT_NAMES },
      },
      {
        name: 'from',
        description: 'Only from this moment on: a date, or a date-time with its zone.',
        schema: { type: 'string' },
      },
      { name: 'to', description: 'Only before this moment.', schema: { type: 'string' } },
      {
        name: 'limit',
        description: 'Events on a page; 50 unless given.',
        schema: { type: 'integer', minimum: 1, maximum: 200 },
      },
      { name: 'cursor', description: '`nextCursor` of the page before.', schema: { type: 'string' } },
    ],
    success: { status: 200, description: 'A page of events.', schema: 'SecurityEventPage' },
  },
  securityReport: {
    method: 'get',
    path: '/admin/security-report',
    tag: 'Administration',
    summary: 'What happened, in numbers',
    description:
      'Totals and daily numbers of every type of event, where failed logins came from and whom they were for, reuse of refresh tokens, sessions, and the state of the indexes. Made of counters of days: its time does not grow with the audit log. Looking is audited too.',
    needs: ['accessToken'],
    needsAudit: true,
    query: [
      {
        name: 'from',
        description:
          'The first day (UTC), or a moment in it with its zone; 29 days before the last one unless given.',
        schema: { type: 'string' },
      },
      {
        name: 'to',
        description: 'The last day, included; today unless given. At most 400 days in all.',
        schema: { type: 'string' },
      },
      {
        name: 'format',
        description: '`json` unless given.',
        schema: { type: 'string', enum: [...REPORT_FORMATS] },
      },
    ],
    success: {
      status: 200,
      description: 'The report.',
      schema: 'SecurityReport',
      headers: {
        'X-Content-Type-Options': noSniff(),
        'Content-Disposition': contentDisposition(),
        'Content-Security-Policy': contentSecurityPolicy(),
      },
      texts: {
        'text/csv': {
          schema: {
            type: 'string',
            description:
              'RFC 4180 in UTF-8 with a byte order mark; each line says of which `section` it is. What users typed never begins as a formula does.',
          },
        },
        'text/html': {
          schema: {
            type: 'string',
            description: 'One page that needs nothing else: it can be saved and sent.',
          },
        },
      },
    },
  },
};
