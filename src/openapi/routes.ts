import type { Type } from '@nestjs/common';
import { SecurityEventsQueryDto } from '../auth/admin/security-events-query.dto.js';
import { SecurityReportQueryDto } from '../auth/admin/security-report-query.dto.js';
import { UsersQueryDto } from '../auth/admin/users.dto.js';
import type { Header, Parameter, Schema, TextContent } from './open-api.types.js';
import { filledText, header, text, withNote } from './schema.js';

export type Tag = 'Login' | 'Sessions' | 'Links' | 'Administration';

/** Routes by operation id; the error table names the ids in its column `on`. */
type Routes = Readonly<Record<string, Route>>;

export interface Route {
  /** Method, and path after the prefix. */
  readonly at: `${'get' | 'post' | 'put' | 'delete'} /${string}`;
  readonly summary: string;
  readonly description: string;
  /** Alternative credentials; null means none. Defaults to an access token. */
  readonly needs?: readonly ('accessToken' | 'refreshCookie' | null)[];
  /** `sameSite` refuses requests from other sites; `throttle` limits the number of requests. */
  readonly sameSite?: true;
  readonly throttle?: true;
  /** Accepts a proof of possession, and requires one for a bound session. */
  readonly proof?: true;
  /** Requires a recent authentication (`@RequireFreshAuth()`). */
  readonly fresh?: true;
  /** Refuses an administrator who acts for the user. */
  readonly owner?: true;
  /** Schema of the request body. */
  readonly body?: string;
  readonly isBodyOptional?: true;
  readonly query?: {
    readonly dto: Type;
    readonly notes: Readonly<Record<string, Schema & { description: string }>>;
  };
  /** Request headers that only browsers send. */
  readonly headers?: readonly Parameter[];
  readonly success: Success;
}

export interface Success {
  readonly status: 200 | 201 | 202 | 204;
  readonly description: string;
  /** Schema of the response (`schema`), or of each item of a list (`listOf`). */
  readonly schema?: string;
  readonly listOf?: string;
  /** Alternative formats instead of JSON. */
  readonly texts?: TextContent;
  readonly headers?: Readonly<Record<string, Header>>;
  /** The effect of the response on the refresh cookie and the device cookie. */
  readonly cookie?: 'set' | 'set with device' | 'device kept' | 'cleared' | 'cleared if yours' | 'bound';
}

/** If addresses must be verified, a registration does not log in and does not reveal whether the address is taken. */
export const REGISTRATION_TO_VERIFY: Success = {
  status: 202,
  description: 'Accepted: the owner of the address gets a mail. The response reveals nothing else.',
};

/** Needs no credentials; only from the service's own and trusted pages; throttled. */
const OPEN = { needs: [null], sameSite: true, throttle: true } as const;
/** Begins a session; a proof binds it to its key. */
const BEGINNING = { ...OPEN, proof: true } as const;

const TOKENS = {
  status: 200,
  schema: 'TokenAnswer',
  cookie: 'set with device',
  description: 'The access token, the user and the session; the refresh token in the session’s transport.',
} as const;
const sessions: Success = { status: 200, description: 'The sessions.', listOf: 'Session' };
const done = (description: string, cookie?: Success['cookie']): Success => ({
  status: 204,
  description,
  cookie,
});

const byBrowser = (name: string, description: string): Parameter => ({
  name,
  in: 'header',
  required: false,
  description: `${description} Browsers send this header by themselves (draft "Device Bound Session Credentials").`,
  schema: { type: 'string', maxLength: 4096 },
});
const DEVICE_PROOF = byBrowser('Secure-Session-Response', 'A challenge, signed by the key of the browser.');

const LOGIN: Routes = {
  register: {
    at: 'post /register',
    summary: 'Create an account and log in',
    description: 'Begins the first session of a new user.',
    ...BEGINNING,
    body: 'RegisterRequest',
    success: { ...TOKENS, status: 201 },
  },
  login: {
    at: 'post /login',
    summary: 'Log in',
    description:
      'Begins a session. An unknown e-mail and a wrong password get the same response in the same time. Beyond the allowed number of sessions, the least recently used one ends.',
    ...BEGINNING,
    body: 'LoginRequest',
    success: TOKENS,
  },
  refresh: {
    at: 'post /refresh',
    summary: 'Refresh the access token silently',
    description:
      'Exchanges the refresh token for a new one and a new access token. In a browser, send no body and use `credentials: "include"`. Safe to retry: two tabs at once, and a request whose response was lost, get the same successor. A replaced token that is used again later counts as theft and ends the session.',
    needs: ['refreshCookie', null],
    sameSite: true,
    throttle: true,
    proof: true,
    body: 'RefreshTokenRequest',
    isBodyOptional: true,
    success: { ...TOKENS, cookie: 'set' },
  },
  logout: {
    at: 'post /logout',
    summary: 'Log out here',
    description:
      'Ends the session of the refresh token or of the access token (both sessions, if they differ). Expired tokens work too. It also succeeds without any token, or when already logged out.',
    needs: ['refreshCookie', 'accessToken', null],
    sameSite: true,
    proof: true,
    body: 'LogoutRequest',
    isBodyOptional: true,
    success: done('Logged out.', 'cleared'),
  },
  logoutAll: {
    at: 'post /logout-all',
    summary: 'Log out everywhere',
    description: 'Ends every session of the user. Every access token is refused within about a second.',
    sameSite: true,
    owner: true,
    success: done('Logged out everywhere.', 'cleared if yours'),
  },
  me: {
    at: 'get /me',
    summary: 'Who is logged in',
    description: 'The user of the access token.',
    success: { status: 200, description: 'The user.', schema: 'Profile' },
  },
  registerDevice: {
    at: 'post /device-bound-session',
    summary: 'Register the key of a browser',
    description:
      'Browsers send this request by themselves after a login whose response has `Secure-Session-Registration` (option `refreshToken.deviceBound`).',
    needs: ['refreshCookie'],
    sameSite: true,
    headers: [DEVICE_PROOF],
    success: {
      status: 200,
      schema: 'DeviceSession',
      description: 'Tells the browser which requests need the bound cookie.',
    },
  },
  renewDevice: {
    at: 'post /device-bound-session/renew',
    summary: 'Prove the key of a browser',
    description:
      'Browsers send this request by themselves before a refresh without the bound cookie. The first one binds the session to the key.',
    needs: ['refreshCookie', null],
    sameSite: true,
    headers: [byBrowser('Sec-Secure-Session-Id', 'The identifier of the session.'), DEVICE_PROOF],
    success: {
      status: 200,
      schema: 'DeviceSessionRenewal',
      cookie: 'bound',
      description: 'The bound cookie is renewed; or the session is over, and the browser forgets its key.',
    },
  },
  ticket: {
    at: 'post /ticket',
    summary: 'Get a ticket for a WebSocket',
    description:
      'For one handshake, where a browser cannot send headers: in the URL (`?ticket=`) or in the first message. It stands for the access token. It is valid once, for 30 seconds.',
    success: { status: 200, description: 'The ticket.', schema: 'Ticket' },
  },
  reauthenticate: {
    at: 'post /reauthenticate',
    summary: 'Confirm who you are',
    description:
      'Step-up: returns a new access token of the same session, which routes that require a fresh authentication accept. The refresh token does not change. Wrong passwords count as at a login.',
    sameSite: true,
    throttle: true,
    proof: true,
    owner: true,
    body: 'ReauthenticateRequest',
    success: {
      status: 200,
      schema: 'TokenAnswer',
      description: 'The access token, the user and the session; no refresh token.',
    },
  },
  changePassword: {
    at: 'post /change-password',
    summary: 'Change the password',
    description:
      'A new session replaces this one, with the same transport; all other sessions end. From then on use the tokens of the response.',
    sameSite: true,
    throttle: true,
    proof: true,
    owner: true,
    body: 'ChangePasswordRequest',
    success: TOKENS,
  },
};

const ACCOUNT: Routes = {
  deleteAccount: {
    at: 'delete /me',
    summary: 'Delete the account',
    description:
      'Permanently deletes the user, all sessions, and their data in the audit log. `currentPassword` is required if the user has a password. The last administrator cannot be deleted.',
    sameSite: true,
    throttle: true,
    fresh: true,
    body: 'DeleteAccountRequest',
    isBodyOptional: true,
    success: done('Deleted.', 'cleared if yours'),
  },
};

const SESSIONS: Routes = {
  listSessions: {
    at: 'get /sessions',
    summary: 'Where the user is logged in',
    description: 'Live sessions, the most recently used first.',
    success: sessions,
  },
  endSession: {
    at: 'delete /sessions/{id}',
    summary: 'End one session',
    description: 'Also works for the current session. Its access token is refused within about a second.',
    owner: true,
    success: done('Ended.'),
  },
  endOtherSessions: {
    at: 'delete /sessions',
    summary: 'End all other sessions',
    description: 'Ends all sessions except the current one.',
    owner: true,
    success: done('Ended.'),
  },
};

const LINKS: Routes = {
  forgotPassword: {
    at: 'post /forgot-password',
    summary: 'Request a link to set a new password',
    description:
      'Sends a link that is valid for ten minutes, if the user exists. The response and its time are always the same.',
    ...OPEN,
    body: 'ForgotPasswordRequest',
    success: { status: 202, description: 'Accepted. The response reveals nothing else.' },
  },
  resetPassword: {
    at: 'post /reset-password',
    summary: 'Set a new password',
    description:
      'Needs the token of the link, which is valid once. Every session of the user ends; log in afterwards. After `WEAK_PASSWORD` the token is still valid.',
    ...OPEN,
    body: 'ResetPasswordRequest',
    success: done('Set.', 'device kept'),
  },
  changeEmail: {
    at: 'post /change-email',
    summary: 'Request a new e-mail address',
    description:
      'Sends a link, valid for a day, to the new address, and a notice to the current one. The address changes when the token of the link is sent to `verify-email`. The response is the same if the new address is taken.',
    sameSite: true,
    throttle: true,
    fresh: true,
    body: 'ChangeEmailRequest',
    success: { status: 202, description: 'Accepted. The response reveals nothing else.' },
  },
  verifyEmail: {
    at: 'post /verify-email',
    summary: 'Verify the e-mail address',
    description:
      'Also verifies a new address after `change-email`. Needs the token of the link, which is valid once. Send it only after a click, because programs also open links.',
    ...OPEN,
    body: 'VerifyEmailRequest',
    success: done('Verified; log in.'),
  },
};

const ADMINISTRATION: Routes = {
  listSessionsOfUser: {
    at: 'get /admin/users/{id}/sessions',
    summary: 'Where a user is logged in',
    description: 'Live sessions of any user, the most recently used first. Reading them is audited.',
    success: sessions,
  },
  endSessionsOfUser: {
    at: 'delete /admin/users/{id}/sessions',
    summary: 'Log a user out everywhere',
    description: 'Ends every session of the user. Every access token is refused within about a second.',
    success: done('Ended.'),
  },
  listUsers: {
    at: 'get /admin/users',
    summary: 'List users',
    description:
      'Sorted by address if `email` is given, otherwise the newest first. With `role` or `disabled`, a page may be short, even empty, although more follow: the last page is the one without `nextCursor`. Reading them is audited.',
    query: {
      dto: UsersQueryDto,
      notes: {
        email: { description: 'Only users whose address begins with this text.' },
        role: { description: 'Only users with this role.' },
        disabled: { description: '`true`: only disabled users; `false`: only enabled users.' },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: 200,
          description: 'Users per page; 50 by default.',
        },
        cursor: { description: '`nextCursor` of the previous page.' },
      },
    },
    success: { status: 200, description: 'A page of users.', schema: 'UserPage' },
  },
  getUser: {
    at: 'get /admin/users/{id}',
    summary: 'One user',
    description: 'Reading a user is audited.',
    success: { status: 200, description: 'The user.', schema: 'AdminUser' },
  },
  deleteUser: {
    at: 'delete /admin/users/{id}',
    summary: 'Delete a user',
    description:
      'Permanently deletes the user, all sessions, and their data in the audit log. Administrators cannot delete themselves here, nor the last administrator.',
    success: done('Deleted.'),
  },
  setRoles: {
    at: 'put /admin/users/{id}/roles',
    summary: 'Set a user’s roles',
    description:
      'Access tokens with the earlier roles are refused within about a second; their clients refresh, and nobody is logged out. Administrators cannot change their own roles, and the last administrator keeps the role.',
    body: 'RolesRequest',
    success: { status: 200, description: 'The user with the new roles.', schema: 'AdminUser' },
  },
  unlockUser: {
    at: 'post /admin/users/{id}/unlock',
    summary: 'Unlock a user',
    description: 'Resets the counts of wrong passwords and of mail, so that the user can try again at once.',
    success: done('Unlocked.'),
  },
  impersonateUser: {
    at: 'post /admin/users/{id}/impersonate',
    summary: 'Act for a user',
    description:
      'Returns an access token of the user that names the administrator in `act` (RFC 8693 §4.1). It is valid for at most fifteen minutes, and only while the administrator’s own session lasts. There is no refresh token and no cookie. The token is refused for actions that only users themselves may do, and on administrator routes. Nobody can act for an administrator. Audited with the reason.',
    proof: true,
    fresh: true,
    body: 'ImpersonateRequest',
    success: {
      status: 200,
      schema: 'TokenAnswer',
      description: 'The access token, the user, and the administrator’s own session; no refresh token.',
    },
  },
  disableUser: {
    at: 'post /admin/users/{id}/disable',
    summary: 'Disable a user',
    description:
      'Ends all sessions of the user. The user cannot log in until an administrator enables them again. Administrators cannot disable themselves, and the last one cannot be disabled.',
    success: done('Disabled.'),
  },
  enableUser: {
    at: 'post /admin/users/{id}/enable',
    summary: 'Enable a user',
    description: 'The user can log in again.',
    success: done('Enabled.'),
  },
};

const CSV_NAME = '^attachment; filename="security-report-[\\d-]+\\.csv"$';

/** Routes that exist only if there is an audit log. */
export const AUDIT_ROUTES: Routes = {
  listSecurityEvents: {
    at: 'get /admin/events',
    summary: 'What happened',
    description:
      'The audit log, the newest event first. Pages go back in time: events that happen in the meantime are newer than the first page, so no event is repeated or skipped.',
    query: {
      dto: SecurityEventsQueryDto,
      notes: {
        userId: { description: 'Only events about this user.' },
        type: { description: 'Only events of this type.' },
        from: { description: 'Only events from this moment on: a date, or a date-time with a time zone.' },
        to: { description: 'Only events before this moment.' },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: 200,
          description: 'Events per page; 50 by default.',
        },
        cursor: { description: '`nextCursor` of the previous page.' },
      },
    },
    success: { status: 200, description: 'A page of events.', schema: 'SecurityEventPage' },
  },
  securityReport: {
    at: 'get /admin/security-report',
    summary: 'What happened, in numbers',
    description:
      'Totals and daily numbers of every type of event, sources and targets of failed logins, reuse of refresh tokens, sessions, and the state of the indexes. Made from daily counters, so its time does not grow with the audit log. Reading it is audited.',
    query: {
      dto: SecurityReportQueryDto,
      notes: {
        from: {
          description:
            'The first day (UTC), or a date-time with a time zone in it; by default 29 days before the last day.',
        },
        to: { description: 'The last day, which is included; today by default. At most 400 days in total.' },
        format: { description: '`json` by default.' },
      },
    },
    success: {
      status: 200,
      description: 'The report.',
      schema: 'SecurityReport',
      headers: {
        'X-Content-Type-Options': header(
          'The response contains text from users, so browsers must not guess its type.',
          { type: 'string', const: 'nosniff' },
        ),
        'Content-Disposition': header(
          'Only for CSV: the name of the file.',
          { type: 'string', pattern: CSV_NAME },
          false,
        ),
        'Content-Security-Policy': header(
          'Only for HTML: allows only the page’s own script and style, by hash.',
          filledText,
          false,
        ),
      },
      texts: {
        'text/csv': {
          schema: withNote(
            text,
            'RFC 4180 in UTF-8 with a byte order mark. Each line has a `section`. Text from users never begins like a formula.',
          ),
        },
        'text/html': {
          schema: withNote(text, 'One self-contained page that can be saved and sent.'),
        },
      },
    },
  },
};

export const ROUTES: Readonly<Record<Tag, Routes>> = {
  Login: { ...LOGIN, ...ACCOUNT },
  Sessions: SESSIONS,
  Links: LINKS,
  Administration: { ...ADMINISTRATION, ...AUDIT_ROUTES },
};
