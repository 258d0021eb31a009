import type { Type } from '@nestjs/common';
import { SecurityEventsQueryDto } from '../auth/admin/security-events-query.dto.js';
import { SecurityReportQueryDto } from '../auth/admin/security-report-query.dto.js';
import { UsersQueryDto } from '../auth/admin/users.dto.js';
import type { Header, Parameter, Schema, TextContent } from './open-api.types.js';
import { filledText, header, text, withNote } from './schema.js';

export type Tag = 'Login' | 'Sessions' | 'Links' | 'Administration';

/** By the id of the operation, which error codes name in their column `on`. */
type Routes = Readonly<Record<string, Route>>;

export interface Route {
  /** Method, and path behind the prefix. */
  readonly at: `${'get' | 'post' | 'put' | 'delete'} /${string}`;
  readonly summary: string;
  readonly description: string;
  /** Alternatives, null being none at all; an access token unless given. */
  readonly needs?: readonly ('accessToken' | 'refreshCookie' | null)[];
  /** Refuses requests from other sites, and too many requests. */
  readonly sameSite?: true;
  readonly throttle?: true;
  /** Takes a proof of possession, and needs one of a bound session. */
  readonly proof?: true;
  /** Needs a user who has just proved who they are (`@RequireFreshAuth()`). */
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
  /** Headers of the request that only browsers send. */
  readonly headers?: readonly Parameter[];
  readonly success: Success;
}

export interface Success {
  readonly status: 200 | 201 | 202 | 204;
  readonly description: string;
  /** Schema of the answer, or of each item of a list. */
  readonly schema?: string;
  readonly listOf?: string;
  /** What it may be instead of JSON. */
  readonly texts?: TextContent;
  readonly headers?: Readonly<Record<string, Header>>;
  /** What the answer does to the refresh cookie and to the cookie of the device. */
  readonly cookie?: 'set' | 'set with device' | 'device kept' | 'cleared' | 'cleared if yours' | 'bound';
}

/** Where addresses are verified, a registration logs nobody in and does not say which address is taken. */
export const REGISTRATION_TO_VERIFY: Success = {
  status: 202,
  description: 'Accepted: the owner of the address has mail. The answer says no more.',
};

/** For anybody, from the service's own and trusted pages, a limited number of times. */
const OPEN = { needs: [null], sameSite: true, throttle: true } as const;
/** Begins a session, which a proof binds to its key. */
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
  description: `${description} Browsers send it by themselves (draft "Device Bound Session Credentials").`,
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
      'Begins a session. An unknown e-mail and a wrong password get the same answer in the same time. Beyond the allowed number of sessions, the one unused longest ends.',
    ...BEGINNING,
    body: 'LoginRequest',
    success: TOKENS,
  },
  refresh: {
    at: 'post /refresh',
    summary: 'Get a new access token, silently',
    description:
      'Exchanges the refresh token for a new one and a new access token. In a browser send no body and `credentials: "include"`. Safe to retry: two tabs at once, or a request whose answer was lost, get the same successor. A replaced token that comes back later is taken for theft and ends the session.',
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
      'Ends the session of the refresh token or of the access token (both, where they are of different sessions), expired ones too. Without any token, or when already logged out, it succeeds as well.',
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
    description: 'Ends every session of the user; every access token is dead within about a second.',
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
      'Browsers send it by themselves after a login whose answer has `Secure-Session-Registration` (option `refreshToken.deviceBound`).',
    needs: ['refreshCookie'],
    sameSite: true,
    headers: [DEVICE_PROOF],
    success: {
      status: 200,
      schema: 'DeviceSession',
      description: 'What the browser has to prove, and when.',
    },
  },
  renewDevice: {
    at: 'post /device-bound-session/renew',
    summary: 'Prove the key of a browser',
    description:
      'Browsers send it by themselves before a refresh without the bound cookie. The first one binds the session to the key.',
    needs: ['refreshCookie', null],
    sameSite: true,
    headers: [byBrowser('Sec-Secure-Session-Id', 'Which session.'), DEVICE_PROOF],
    success: {
      status: 200,
      schema: 'DeviceSessionRenewal',
      cookie: 'bound',
      description: 'Renewed; or over, and the browser forgets its key.',
    },
  },
  ticket: {
    at: 'post /ticket',
    summary: 'Get a ticket for a WebSocket',
    description:
      'For one handshake, where a browser can send no header: in the URL (`?ticket=`) or in the first message. It stands for the access token, and is good once, for 30 seconds.',
    success: { status: 200, description: 'The ticket.', schema: 'Ticket' },
  },
  reauthenticate: {
    at: 'post /reauthenticate',
    summary: 'Confirm who you are',
    description:
      'Step-up: a new access token of the same session that routes accept which want a fresh authentication. The refresh token stays as it is. Wrong passwords count as at a login.',
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
      'A new session takes the place of this one, in the same transport; all other sessions end. Use the tokens of the answer from then on.',
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
      'For good: the user, all sessions, and what the audit log knows of them. `currentPassword` of users who have one. The last administrator cannot.',
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
    description: 'Live sessions, the one used last first.',
    success: sessions,
  },
  endSession: {
    at: 'delete /sessions/{id}',
    summary: 'End one session',
    description: 'Also the current one. Its access token is dead within about a second.',
    owner: true,
    success: done('Ended.'),
  },
  endOtherSessions: {
    at: 'delete /sessions',
    summary: 'End all other sessions',
    description: 'All but the current one.',
    owner: true,
    success: done('Ended.'),
  },
};

const LINKS: Routes = {
  forgotPassword: {
    at: 'post /forgot-password',
    summary: 'Ask for a link to set a new password',
    description:
      'Sends a link that is good for ten minutes, if there is such a user. The answer and its time are the same in any case.',
    ...OPEN,
    body: 'ForgotPasswordRequest',
    success: { status: 202, description: 'Accepted; the answer says no more.' },
  },
  resetPassword: {
    at: 'post /reset-password',
    summary: 'Set a new password',
    description:
      'With the token of the link, once. Every session of the user ends; log in afterwards. After `WEAK_PASSWORD` the token is still good.',
    ...OPEN,
    body: 'ResetPasswordRequest',
    success: done('Set.', 'device kept'),
  },
  changeEmail: {
    at: 'post /change-email',
    summary: 'Ask for another e-mail address',
    description:
      'A link goes to the new address, good for a day, and news to the present one. The address changes once the token of the link is sent to `verify-email`. The answer is the same where the address is taken.',
    sameSite: true,
    throttle: true,
    fresh: true,
    body: 'ChangeEmailRequest',
    success: { status: 202, description: 'Accepted; the answer says no more.' },
  },
  verifyEmail: {
    at: 'post /verify-email',
    summary: 'Verify the e-mail address',
    description:
      'Also a new one, after `change-email`. With the token of the link, once. Send it after a click: programs open links, too.',
    ...OPEN,
    body: 'VerifyEmailRequest',
    success: done('Verified; log in.'),
  },
};

const ADMINISTRATION: Routes = {
  listSessionsOfUser: {
    at: 'get /admin/users/{id}/sessions',
    summary: 'Where a user is logged in',
    description: 'Live sessions of any user, the one used last first. Looking is audited too.',
    success: sessions,
  },
  endSessionsOfUser: {
    at: 'delete /admin/users/{id}/sessions',
    summary: 'Log a user out everywhere',
    description: 'Ends every session of the user; every access token is dead within about a second.',
    success: done('Ended.'),
  },
  listUsers: {
    at: 'get /admin/users',
    summary: 'Users',
    description: 'By address where `email` is given, otherwise the newest first. Looking is audited too.',
    query: {
      dto: UsersQueryDto,
      notes: {
        email: { description: 'Only users whose address begins so.' },
        role: { description: 'Only users with this role.' },
        disabled: { description: 'Only users who are disabled, or who are not.' },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: 200,
          description: 'Users on a page; 50 unless given.',
        },
        cursor: { description: '`nextCursor` of the page before.' },
      },
    },
    success: { status: 200, description: 'A page of users.', schema: 'UserPage' },
  },
  getUser: {
    at: 'get /admin/users/{id}',
    summary: 'One user',
    description: 'Looking is audited too.',
    success: { status: 200, description: 'The user.', schema: 'AdminUser' },
  },
  deleteUser: {
    at: 'delete /admin/users/{id}',
    summary: 'Delete a user',
    description:
      'For good: the user, all sessions, and what the audit log knows of them. Administrators cannot delete themselves here, nor the last one.',
    success: done('Deleted.'),
  },
  setRoles: {
    at: 'put /admin/users/{id}/roles',
    summary: 'Set a user’s roles',
    description:
      'Access tokens with the former roles are refused within about a second; their clients refresh, and nobody is logged out. Administrators cannot change their own roles, and the last one stays one.',
    body: 'RolesRequest',
    success: { status: 200, description: 'The user with the new roles.', schema: 'AdminUser' },
  },
  unlockUser: {
    at: 'post /admin/users/{id}/unlock',
    summary: 'Unlock a user',
    description: 'Clears the counts of wrong passwords and of mail: the user can try again at once.',
    success: done('Unlocked.'),
  },
  impersonateUser: {
    at: 'post /admin/users/{id}/impersonate',
    summary: 'Act for a user',
    description:
      'An access token of the user that names the administrator in `act` (RFC 8693 §4.1), good for fifteen minutes at most, as long as the administrator’s own session goes on. No refresh token and no cookie. What only users themselves may do is refused to it, and so are the routes of administrators. Nobody can act for an administrator. Audited with the reason.',
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
      'Ends all sessions of the user, who cannot log in until enabled again. Administrators cannot disable themselves.',
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

/** Only where there is an audit log. */
export const AUDIT_ROUTES: Routes = {
  listSecurityEvents: {
    at: 'get /admin/events',
    summary: 'What happened',
    description:
      'The audit log, the newest event first. Pages go back in time: what happens meanwhile is newer than the first page, so nothing comes twice and nothing is left out.',
    query: {
      dto: SecurityEventsQueryDto,
      notes: {
        userId: { description: 'Only events about this user.' },
        type: { description: 'Only events of this type.' },
        from: { description: 'Only from this moment on: a date, or a date-time with its zone.' },
        to: { description: 'Only before this moment.' },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: 200,
          description: 'Events on a page; 50 unless given.',
        },
        cursor: { description: '`nextCursor` of the page before.' },
      },
    },
    success: { status: 200, description: 'A page of events.', schema: 'SecurityEventPage' },
  },
  securityReport: {
    at: 'get /admin/security-report',
    summary: 'What happened, in numbers',
    description:
      'Totals and daily numbers of every type of event, where failed logins came from and whom they were for, reuse of refresh tokens, sessions, and the state of the indexes. Made of counters of days: its time does not grow with the audit log. Looking is audited too.',
    query: {
      dto: SecurityReportQueryDto,
      notes: {
        from: {
          description:
            'The first day (UTC), or a moment in it with its zone; 29 days before the last one unless given.',
        },
        to: { description: 'The last day, included; today unless given. At most 400 days in all.' },
        format: { description: '`json` unless given.' },
      },
    },
    success: {
      status: 200,
      description: 'The report.',
      schema: 'SecurityReport',
      headers: {
        'X-Content-Type-Options': header(
          'What users typed is in the answer, which is nothing but what its type says.',
          { type: 'string', const: 'nosniff' },
        ),
        'Content-Disposition': header('CSV: a file.', { type: 'string', pattern: CSV_NAME }, false),
        'Content-Security-Policy': header(
          'HTML: its own script and style, by their hashes, and nothing else.',
          filledText,
          false,
        ),
      },
      texts: {
        'text/csv': {
          schema: withNote(
            text,
            'RFC 4180 in UTF-8 with a byte order mark; each line says of which `section` it is. What users typed never begins as a formula does.',
          ),
        },
        'text/html': {
          schema: withNote(text, 'One page that needs nothing else: it can be saved and sent.'),
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
