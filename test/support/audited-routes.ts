import { newAttempt } from './attempting-client.js';
import {
  anotherSession,
  type Answer,
  type Api,
  type Call,
  newSession,
  PASSWORD,
  refreshed,
  type Session,
  sessionOf,
  uniqueEmail,
} from './http.js';
import { HandKey } from './proofs.js';
import { ACCESS_SECRET, CLIENT, ISSUER, REFRESH_SECRET } from './service.js';
import { expired, resign } from './tokens.js';

const NEW_PASSWORD = 'nine-Herons-over-the-marsh';
const WRONG = 'seven-Otters-cross-the-road';
const EVIL = { headers: { origin: 'https://evil.example.net' } };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
/** The path after the user id, where the operation's name does not give it. */
const RESTS: Readonly<Record<string, string>> = {
  listSessionsOfUser: '/sessions',
  endSessionsOfUser: '/sessions',
  getUser: '',
  deleteUser: '',
  setRoles: '/roles',
};
/** An id that no user and no session has. */
export const NOBODY = '0'.repeat(24);

/** What a row of the table works with. Its user agent is unique, so its events are found by it. */
export interface Stage {
  /**
   * `api` is the row's browser. `other` is the same browser at the other instance, which forgives no race and
   * requires verified addresses.
   */
  readonly api: Api;
  readonly other: Api;
  /** Another browser in another network; its events count as the row's. */
  readonly stranger: Api;
  /** For preparations: the same browser and network, but its events do not count as the row's. */
  readonly before: Api;
  readonly admin: string;
  readonly send: (id: string, call?: Call & { path?: string; to?: Api }) => Promise<Answer>;
  /** The token of the first link mailed to the address. */
  readonly link: (email: string) => Promise<string>;
  /** Removes the user's password, as if they had signed up without one. */
  readonly withoutPassword: (userId: string) => Promise<void>;
}

type Act = (stage: Stage) => Promise<Answer>;
/** The events of the last request, and of the row's own requests before it, as `type` or `type:reason`. */
export type Row = readonly [events: readonly string[], act: Act];

const bearer = ({ accessToken: token }: Session): Call => ({ token });
const form = (fields: Record<string, string>): Call => ({
  raw: new URLSearchParams(fields).toString(),
  headers: FORM,
});
const client = { client_id: CLIENT.id, client_secret: CLIENT.secret };
const credentials = (email = uniqueEmail()) => ({ email, password: PASSWORD });
const times = (count: number, event: string) => Array.from({ length: count }, () => event);

async function repeated(count: number, act: () => Promise<Answer>): Promise<Answer> {
  let last = await act();
  for (let time = 1; time < count; time += 1) last = await act();
  return last;
}

const UNREADABLE = { headers: { dpop: 'nonsense' } };
const REASON = { reason: 'ticket 4711' };
const PASSWORDS = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
const KEY = new HandKey();
let proofs = 0;

function proofFor(route: string, nonce?: string): string {
  proofs += 1;
  const htu = `${ISSUER}/auth/${route}`;
  return KEY.proof({ jti: `j-${proofs}`, htm: 'POST', htu, iat: 1_700_000_000, nonce });
}

async function boundSession(api: Api): Promise<Session> {
  const body = { ...credentials(), transport: 'body' };
  const refused = await api.register(body, { headers: { dpop: proofFor('register') } });
  const dpop = proofFor('register', String(refused.headers['dpop-nonce']));
  return sessionOf(await api.register(body, { headers: { dpop } }));
}

const inBody = ({ refreshToken }: Session): Call => ({ body: { refreshToken } });

/** `operation status code`, followed by a distinction where several rows have the same answer. */
export const ROWS: Readonly<Record<string, Row>> = {
  'register 201 -': [['user.registered'], ({ send }) => send('register', { body: credentials() })],
  'register 202 -': [
    ['user.registered'],
    ({ send, other: to }) => send('register', { to, body: credentials() }),
  ],
  'register 409 EMAIL_TAKEN': [
    [],
    async ({ send, before }) => send('register', { body: credentials((await newSession(before)).email) }),
  ],
  'register 400 WEAK_PASSWORD': [
    [],
    ({ send }) => send('register', { body: { email: uniqueEmail(), password: 'password1' } }),
  ],
  'register 429 TOO_MANY_ATTEMPTS': [
    ['login.locked:login_limit'],
    ({ send }) => repeated(21, () => send('register', { body: {} })),
  ],
  'login 200 -': [
    ['user.logged_in'],
    async ({ send, before }) => send('login', { body: credentials((await newSession(before)).email) }),
  ],
  'login 200 - on a new device': [
    ['user.logged_in', 'device.first_seen'],
    async ({ send, before, stranger: to }) =>
      send('login', { to, body: credentials((await newSession(before)).email) }),
  ],
  'login 200 - beyond the cap of sessions': [
    ['user.logged_in', 'session.revoked:evicted', 'session.evicted'],
    async ({ send, before }) => {
      const { email } = await newSession(before);
      for (let time = 0; time < 2; time += 1) await anotherSession(before, email);
      return send('login', { body: credentials(email) });
    },
  ],
  'login 401 INVALID_CREDENTIALS': [
    ['login.failed:unknown_user'],
    ({ send }) => send('login', { body: credentials() }),
  ],
  'login 401 INVALID_CREDENTIALS of a user': [
    ['login.failed:wrong_password'],
    async ({ send, before }) =>
      send('login', { body: { email: (await newSession(before)).email, password: WRONG } }),
  ],
  'login 403 ACCOUNT_DISABLED': [
    ['login.failed:disabled'],
    async ({ send, before, admin: token }) => {
      const { email, userId } = await newSession(before);
      await before.send('POST', `/auth/admin/users/${userId}/disable`, { token });
      return send('login', { body: credentials(email) });
    },
  ],
  'login 403 EMAIL_NOT_VERIFIED': [
    ['login.failed:email_not_verified'],
    async ({ send, before, other: to }) =>
      send('login', { to, body: credentials((await newSession(before)).email) }),
  ],
  'login 403 SUSPICIOUS_ACTIVITY': [
    [
      ...times(6, 'login.failed:wrong_password'),
      'activity.suspected:login_after_failures',
      'session.revoked:suspicious_activity',
    ],
    async ({ send, before }) => {
      const { email } = await newSession(before);
      await repeated(6, () => send('login', { body: { email, password: WRONG } }));
      return send('login', { body: credentials(email) });
    },
  ],
  'login 429 TOO_MANY_ATTEMPTS': [
    [...times(10, 'login.failed:wrong_password'), 'login.locked:failure_limit'],
    async ({ send, before }) => {
      const { email } = await newSession(before);
      return repeated(11, () => send('login', { body: { email, password: WRONG } }));
    },
  ],
  'login 429 TOO_MANY_ATTEMPTS of an address': [
    [...times(20, 'login.failed:unknown_user'), 'login.locked:login_limit'],
    ({ send }) => repeated(21, () => send('login', { body: credentials() })),
  ],
  'register 401 PROOF_REQUIRED': [[], ({ send }) => send('register', { body: credentials(), ...UNREADABLE })],
  'register 401 PROOF_NONCE_REQUIRED': [
    [],
    ({ send }) => send('register', { body: credentials(), headers: { dpop: proofFor('register') } }),
  ],
  'login 401 PROOF_REQUIRED': [[], ({ send }) => send('login', { body: credentials(), ...UNREADABLE })],
  'login 401 PROOF_NONCE_REQUIRED': [
    [],
    ({ send }) => send('login', { body: credentials(), headers: { dpop: proofFor('login') } }),
  ],
  'refresh 401 PROOF_REQUIRED': [
    ['refresh_token.proof_failed:proof_missing'],
    async ({ send, before }) => send('refresh', inBody(await boundSession(before))),
  ],
  'refresh 401 PROOF_NONCE_REQUIRED': [
    [],
    async ({ send, before }) =>
      send('refresh', { ...inBody(await boundSession(before)), headers: { dpop: proofFor('refresh') } }),
  ],
  'logout 401 PROOF_REQUIRED': [
    ['refresh_token.proof_failed:proof_missing'],
    async ({ send, before }) => send('logout', inBody(await boundSession(before))),
  ],
  'logout 401 PROOF_NONCE_REQUIRED': [
    [],
    async ({ send, before }) =>
      send('logout', { ...inBody(await boundSession(before)), headers: { dpop: proofFor('logout') } }),
  ],
  'changePassword 401 PROOF_REQUIRED': [
    ['refresh_token.proof_failed:proof_missing'],
    async ({ send, before }) =>
      send('changePassword', { ...bearer(await boundSession(before)), body: PASSWORDS }),
  ],
  'reauthenticate 401 PROOF_REQUIRED': [
    ['refresh_token.proof_failed:proof_missing'],
    async ({ send, before }) =>
      send('reauthenticate', { ...bearer(await boundSession(before)), body: { password: PASSWORD } }),
  ],
  'reauthenticate 401 PROOF_NONCE_REQUIRED': [
    [],
    async ({ send, before }) =>
      send('reauthenticate', {
        ...bearer(await boundSession(before)),
        body: { password: PASSWORD },
        headers: { dpop: proofFor('reauthenticate') },
      }),
  ],
  'reauthenticate 200 -': [
    ['user.reauthenticated'],
    async ({ send, before }) =>
      send('reauthenticate', { ...bearer(await newSession(before)), body: { password: PASSWORD } }),
  ],
  'reauthenticate 401 INVALID_CREDENTIALS': [
    ['login.failed:wrong_current_password'],
    async ({ send, before }) =>
      send('reauthenticate', { ...bearer(await newSession(before)), body: { password: WRONG } }),
  ],
  'reauthenticate 429 TOO_MANY_ATTEMPTS': [
    [...times(10, 'login.failed:wrong_current_password'), 'login.locked:failure_limit'],
    async ({ send, before }) => {
      const session = await newSession(before);
      return repeated(11, () => send('reauthenticate', { ...bearer(session), body: { password: WRONG } }));
    },
  ],
  ...Object.fromEntries(
    ['logoutAll', 'reauthenticate', 'changePassword', 'endSession', 'endOtherSessions'].map(
      (id): [string, Row] => [
        `${id} 403 FORBIDDEN`,
        [[], async ({ send, before }) => send(id, { token: await actingToken(before) })],
      ],
    ),
  ),
  'changePassword 401 PROOF_NONCE_REQUIRED': [
    [],
    async ({ send, before }) =>
      send('changePassword', {
        ...bearer(await boundSession(before)),
        body: PASSWORDS,
        headers: { dpop: proofFor('change-password') },
      }),
  ],
  'refresh 200 -': [
    ['refresh_token.rotated'],
    async ({ send, before }) => {
      const { refreshToken } = await newSession(before);
      return send('refresh', { body: { refreshToken } });
    },
  ],
  'refresh 200 - of a race': [
    ['refresh_token.rotated', 'refresh_token.replayed'],
    async ({ send, before }) => {
      const { refreshToken } = await newSession(before);
      return repeated(2, () => send('refresh', { body: { refreshToken } }));
    },
  ],
  'refresh 200 - of a lost answer': [
    ['refresh_token.rotated', 'refresh_token.recovered'],
    async ({ send, before, other: to }) => {
      const { refreshToken } = await newSession(before);
      await send('refresh', { to, body: { refreshToken } });
      await later();
      return send('refresh', { to, body: { refreshToken } });
    },
  ],
  'refresh 200 - of a token that fell back': [
    ['refresh_token.rotated', 'refresh_token.healed'],
    async ({ send, before }) => {
      const { refreshToken } = await newSession(before);
      const previous = newAttempt();
      await send('refresh', { body: { refreshToken, attempt: previous } });
      return send('refresh', { body: { refreshToken, attempt: newAttempt(), previous } });
    },
  ],
  'refresh 200 - of two clients, after the grace': [
    ['refresh_token.rotated', 'refresh_token.displaced'],
    async ({ send, before, other: to }) => {
      const { refreshToken } = await newSession(before);
      await send('refresh', { to, body: { refreshToken, attempt: newAttempt() } });
      await later();
      return send('refresh', { to, body: { refreshToken, attempt: newAttempt() } });
    },
  ],
  'refresh 409 REFRESH_CONTESTED': [
    ['refresh_token.rotated', 'refresh_token.contested'],
    async ({ send, before }) => {
      const { refreshToken } = await newSession(before);
      await send('refresh', { body: { refreshToken, attempt: newAttempt() } });
      return send('refresh', { body: { refreshToken, attempt: newAttempt() } });
    },
  ],
  'refresh 409 REFRESH_SUPERSEDED': [
    ['refresh_token.rotated', 'refresh_token.rotated', 'refresh_token.superseded'],
    async ({ send, before }) => {
      const first = await newSession(before);
      const body = { refreshToken: first.refreshToken, attempt: newAttempt() };
      const { refreshToken } = sessionOf(await send('refresh', { body }));
      await send('refresh', { body: { refreshToken, attempt: newAttempt() } });
      return send('refresh', { body });
    },
  ],
  'refresh 401 REFRESH_TOKEN_MISSING': [[], ({ send }) => send('refresh')],
  'refresh 401 REFRESH_TOKEN_INVALID': [[], ({ send }) => send('refresh', { refreshCookie: 'nonsense' })],
  'refresh 401 REFRESH_TOKEN_EXPIRED': [
    ['refresh_token.refused:session_expired'],
    async ({ send, before }) => {
      const { refreshToken } = await newSession(before);
      return send('refresh', { body: { refreshToken: expired(refreshToken, REFRESH_SECRET) } });
    },
  ],
  'refresh 401 REFRESH_TOKEN_UNKNOWN': [
    ['refresh_token.refused:session_unknown'],
    async ({ send, before }) => {
      const claims = { sid: NOBODY, jti: `${NOBODY}.0` };
      const refreshToken = resign((await newSession(before)).refreshToken, REFRESH_SECRET, { claims });
      return send('refresh', { body: { refreshToken } });
    },
  ],
  'refresh 401 REFRESH_TOKEN_UNKNOWN of a restored state': [
    ['refresh_token.restored'],
    async ({ send, before }) => {
      const { id, refreshToken: earlier } = await newSession(before);
      const claims = { gen: 7, jti: `${id}.7`, sec: Buffer.alloc(32, 7).toString('base64url') };
      return send('refresh', { body: { refreshToken: resign(earlier, REFRESH_SECRET, { claims }) } });
    },
  ],
  'refresh 401 REFRESH_TOKEN_REUSED': [
    ['refresh_token.reuse_detected:successor_replaced', 'session.revoked:reuse_detected'],
    async ({ send, before, other: to }) => {
      const first = await newSession(before);
      await refreshed(before, await refreshed(before, first));
      await later();
      return send('refresh', { to, body: { refreshToken: first.refreshToken } });
    },
  ],
  'refresh 401 SESSION_REVOKED': [
    ['refresh_token.refused:session_revoked'],
    async ({ send, before }) => {
      const { refreshToken } = await newSession(before);
      await before.logout({ body: { refreshToken } });
      return send('refresh', { body: { refreshToken } });
    },
  ],
  'refresh 403 SUSPICIOUS_ACTIVITY': [
    ['fingerprint.mismatched', 'session.revoked:fingerprint_mismatched'],
    async ({ send, before, stranger: to }) => {
      const { refreshToken } = await newSession(before);
      return send('refresh', { to, body: { refreshToken } });
    },
  ],
  'refresh 429 TOO_MANY_ATTEMPTS': [
    ['login.locked:refresh_limit'],
    ({ send }) => repeated(301, () => send('refresh', { refreshCookie: 'nonsense' })),
  ],
  'logout 204 -': [
    ['session.revoked:logged_out', 'user.logged_out'],
    async ({ send, before }) => {
      const { refreshToken } = await newSession(before);
      return repeated(2, () => send('logout', { body: { refreshToken } }));
    },
  ],
  'logout 204 - without a token': [[], ({ send }) => send('logout')],
  'logoutAll 204 -': [
    [...times(2, 'session.revoked:logged_out_everywhere'), 'user.logged_out'],
    async ({ send, before }) => {
      const session = await newSession(before);
      await anotherSession(before, session.email);
      return send('logoutAll', bearer(session));
    },
  ],
  'registerDevice 403 DEVICE_PROOF_REQUIRED': [[], ({ send }) => send('registerDevice')],
  'registerDevice 403 DEVICE_PROOF_REQUIRED with an invalid proof': [
    ['refresh_token.proof_failed:proof_malformed'],
    async ({ send, before }) => {
      const { refreshToken: refreshCookie } = sessionOf(await before.register(credentials()));
      return send('registerDevice', { refreshCookie, headers: { 'secure-session-response': 'nonsense' } });
    },
  ],
  'renewDevice 200 -': [[], ({ send }) => send('renewDevice')],
  'ticket 200 -': [[], async ({ send, before }) => send('ticket', bearer(await newSession(before)))],
  'me 200 -': [[], async ({ send, before }) => send('me', bearer(await newSession(before)))],
  'listSessions 200 -': [
    [],
    async ({ send, before }) => send('listSessions', bearer(await newSession(before))),
  ],
  'endSession 204 -': [
    ['session.revoked:ended_by_user'],
    async ({ send, before }) => {
      const session = await newSession(before);
      return send('endSession', { ...bearer(session), path: `/auth/sessions/${session.id}` });
    },
  ],
  'endSession 404 NOT_FOUND': [
    [],
    async ({ send, before }) => {
      const path = `/auth/sessions/${(await newSession(before)).id}`;
      return send('endSession', { ...bearer(await newSession(before)), path });
    },
  ],
  'endOtherSessions 204 -': [
    ['session.revoked:ended_by_user'],
    async ({ send, before }) => {
      const session = await newSession(before);
      await anotherSession(before, session.email);
      return send('endOtherSessions', bearer(session));
    },
  ],
  'changePassword 200 -': [
    ['session.revoked:replaced', 'session.revoked:password_changed', 'password.changed'],
    async ({ send, before }) => {
      const session = await newSession(before);
      await anotherSession(before, session.email);
      return send('changePassword', { ...bearer(session), body: change(PASSWORD) });
    },
  ],
  'changePassword 401 INVALID_CREDENTIALS': [
    ['login.failed:wrong_current_password'],
    async ({ send, before }) =>
      send('changePassword', { ...bearer(await newSession(before)), body: change(WRONG) }),
  ],
  'changePassword 400 WEAK_PASSWORD': [
    [],
    async ({ send, before }) => {
      const body = { currentPassword: PASSWORD, newPassword: 'password1' };
      return send('changePassword', { ...bearer(await newSession(before)), body });
    },
  ],
  'changePassword 429 TOO_MANY_ATTEMPTS': [
    [...times(10, 'login.failed:wrong_current_password'), 'login.locked:failure_limit'],
    async ({ send, before }) => {
      const session = await newSession(before);
      return repeated(11, () => send('changePassword', { ...bearer(session), body: change(WRONG) }));
    },
  ],
  'changePassword 409 PASSWORD_NOT_SET': [
    [],
    async ({ send, before, withoutPassword }) => {
      const session = await newSession(before);
      await withoutPassword(session.userId);
      return send('changePassword', { ...bearer(session), body: change(PASSWORD) });
    },
  ],
  'changeEmail 202 -': [
    ['email.change_requested'],
    async ({ send, before }) => send('changeEmail', { ...bearer(await newSession(before)), body: toEmail() }),
  ],
  'deleteAccount 204 -': [
    // Users delete themselves: the row that remains does not say from where.
    [],
    async ({ send, before }) =>
      send('deleteAccount', { ...bearer(await newSession(before)), body: { currentPassword: PASSWORD } }),
  ],
  ...Object.fromEntries(
    ['changeEmail', 'deleteAccount'].flatMap((id): [string, Row][] => {
      const wrong = toEmail(WRONG);
      const body = id === 'changeEmail' ? wrong : { currentPassword: WRONG };
      return [
        [
          `${id} 401 INVALID_CREDENTIALS`,
          [
            ['login.failed:wrong_current_password'],
            async ({ send, before }) => send(id, { ...bearer(await newSession(before)), body }),
          ],
        ],
        [
          `${id} 429 TOO_MANY_ATTEMPTS`,
          [
            [...times(10, 'login.failed:wrong_current_password'), 'login.locked:failure_limit'],
            async ({ send, before }) => {
              const session = await newSession(before);
              return repeated(11, () => send(id, { ...bearer(session), body }));
            },
          ],
        ],
        [
          `${id} 403 FORBIDDEN`,
          [
            [],
            async ({ send, before }) => {
              return send(id, { token: await actingToken(before), body });
            },
          ],
        ],
      ];
    }),
  ),
  'forgotPassword 202 -': [
    ['password.reset_requested'],
    async ({ send, before }) => send('forgotPassword', { body: { email: (await newSession(before)).email } }),
  ],
  'forgotPassword 202 - of nobody': [
    ['password.reset_requested'],
    ({ send }) => send('forgotPassword', { body: { email: uniqueEmail() } }),
  ],
  'forgotPassword 429 TOO_MANY_ATTEMPTS': [
    [...times(20, 'password.reset_requested'), 'login.locked:login_limit'],
    async ({ send, before }) => {
      const { email } = await newSession(before);
      return repeated(21, () => send('forgotPassword', { body: { email } }));
    },
  ],
  'resetPassword 204 -': [
    ['session.revoked:password_changed', 'password.reset'],
    async ({ send, before, link }) => {
      const { email } = await newSession(before);
      await before.post('/auth/forgot-password', { email });
      return send('resetPassword', { body: { token: await link(email), newPassword: NEW_PASSWORD } });
    },
  ],
  'resetPassword 400 ACTION_TOKEN_INVALID': [
    [],
    ({ send }) => send('resetPassword', { body: { token: 'A'.repeat(43), newPassword: NEW_PASSWORD } }),
  ],
  'resetPassword 400 WEAK_PASSWORD': [
    [],
    async ({ send, before, link }) => {
      const { email } = await newSession(before);
      await before.post('/auth/forgot-password', { email });
      return send('resetPassword', { body: { token: await link(email), newPassword: 'password1' } });
    },
  ],
  'resetPassword 429 TOO_MANY_ATTEMPTS': [
    ['login.locked:login_limit'],
    ({ send }) => repeated(21, () => send('resetPassword', { body: {} })),
  ],
  'verifyEmail 204 - of another address': [
    ['email.changed'],
    async ({ send, before, link }) => {
      const body = toEmail();
      await before.post('/auth/change-email', body, bearer(await newSession(before)));
      return send('verifyEmail', { body: { token: await link(body.email) } });
    },
  ],
  'verifyEmail 409 EMAIL_TAKEN': [
    [],
    async ({ send, before, link }) => {
      const body = toEmail();
      await before.post('/auth/change-email', body, bearer(await newSession(before)));
      const token = await link(body.email);
      await before.register(credentials(body.email));
      return send('verifyEmail', { body: { token } });
    },
  ],
  'verifyEmail 204 -': [
    ['user.registered', 'email.verified'],
    async ({ send, other: to, link }) => {
      const { email } = credentials();
      await to.register(credentials(email));
      return send('verifyEmail', { to, body: { token: await link(email) } });
    },
  ],
  'verifyEmail 400 ACTION_TOKEN_INVALID': [
    [],
    ({ send }) => send('verifyEmail', { body: { token: 'A'.repeat(43) } }),
  ],
  'verifyEmail 429 TOO_MANY_ATTEMPTS': [
    ['login.locked:login_limit'],
    ({ send }) => repeated(21, () => send('verifyEmail', { body: {} })),
  ],
  'listSessionsOfUser 200 -': [['records.viewed'], onUser('listSessionsOfUser')],
  'endSessionsOfUser 204 -': [
    ['session.revoked:ended_by_administrator', 'user.logged_out'],
    onUser('endSessionsOfUser'),
  ],
  'disableUser 204 -': [['session.revoked:user_disabled', 'user.disabled'], onUser('disableUser')],
  'disableUser 403 FORBIDDEN to disable themselves': [
    [],
    async ({ send, api, admin: token }) => {
      const { id } = (await api.me(token)).json;
      return send('disableUser', { token, path: `/auth/admin/users/${id}/disable` });
    },
  ],
  'listUsers 200 -': [['records.viewed'], ({ send, admin: token }) => send('listUsers', { token })],
  'getUser 200 -': [['records.viewed'], onUser('getUser')],
  // The events on the way are deleted with the user.
  'deleteUser 204 -': [['user.deleted'], onUser('deleteUser')],
  'setRoles 200 -': [['user.roles_changed'], onUser('setRoles')],
  'setRoles 404 NOT_FOUND': [
    [],
    ({ send, admin: token }) => send('setRoles', { token, body: { roles: ['user'] } }),
  ],
  'unlockUser 204 -': [['user.unlocked'], onUser('unlockUser')],
  'impersonateUser 200 -': [['user.impersonated'], onUser('impersonateUser')],
  'impersonateUser 403 ACCOUNT_DISABLED': [
    [],
    async ({ send, before, admin: token }) => {
      const users = `/auth/admin/users/${(await newSession(before)).userId}`;
      await before.send('POST', `${users}/disable`, { token });
      return send('impersonateUser', { token, body: REASON, path: `${users}/impersonate` });
    },
  ],
  'impersonateUser 404 NOT_FOUND': [
    [],
    ({ send, admin: token }) => send('impersonateUser', { token, body: REASON }),
  ],
  'impersonateUser 401 PROOF_REQUIRED': [
    ['refresh_token.proof_failed:proof_missing'],
    async ({ send, before }) =>
      send('impersonateUser', { token: await adminTokenOf(boundSession(before)), body: REASON }),
  ],
  'impersonateUser 401 PROOF_NONCE_REQUIRED': [
    [],
    async ({ send, before }) =>
      send('impersonateUser', {
        token: await adminTokenOf(boundSession(before)),
        body: REASON,
        headers: { dpop: proofFor(`admin/users/${NOBODY}/impersonate`) },
      }),
  ],
  'enableUser 204 -': [['user.enabled'], onUser('enableUser')],
  'listSecurityEvents 200 -': [
    ['records.viewed'],
    ({ send, admin: token }) => send('listSecurityEvents', { token }),
  ],
  'securityReport 200 -': [['records.viewed'], ({ send, admin: token }) => send('securityReport', { token })],
  'introspect 200 -': [
    [],
    async ({ send, before }) =>
      send('introspect', form({ token: (await newSession(before)).accessToken, ...client })),
  ],
  'revoke 200 - a refresh token': [
    ['session.revoked:revoked_by_client'],
    async ({ send, before }) => {
      const { refreshToken: token } = await newSession(before);
      return repeated(2, () => send('revoke', form({ token, ...client })));
    },
  ],
  'revoke 200 - an access token': [
    ['access_token.revoked'],
    async ({ send, before }) => {
      const { accessToken: token } = await newSession(before);
      return repeated(2, () => send('revoke', form({ token, ...client })));
    },
  ],
  'revoke 200 - nothing': [[], ({ send }) => send('revoke', form({ token: 'nonsense', ...client }))],
  ...Object.fromEntries(
    ['introspect', 'revoke'].flatMap((id): [string, Row][] => [
      [`${id} 400 invalid_request`, [[], ({ send }) => send(id, form(client))]],
      [`${id} 415 invalid_request`, [[], ({ send }) => send(id, { body: { token: 'x' } })]],
      [`${id} 413 invalid_request`, [[], ({ send }) => send(id, form({ token: 'x'.repeat(17_000) }))]],
      [`${id} 401 invalid_client without credentials`, [[], ({ send }) => send(id, form({ token: 'x' }))]],
      [
        `${id} 401 invalid_client`,
        [
          ['client.refused:wrong_secret'],
          ({ send }) => send(id, form({ token: 'x', ...client, client_secret: 'wrong' })),
        ],
      ],
      [
        `${id} 429 temporarily_unavailable`,
        [
          ['client.refused:unknown_client', 'client.refused:client_limit'],
          ({ send }) =>
            repeated(11, () => send(id, form({ token: 'x', client_id: 'who', client_secret: 'knows' }))),
        ],
      ],
    ]),
  ),
  'jwks 200 -': [[], ({ send }) => send('jwks')],
  'serverMetadata 200 -': [[], ({ send }) => send('serverMetadata')],
  'live 200 -': [[], ({ send }) => send('live')],
  'ready 200 -': [[], ({ send }) => send('ready')],
  'metrics 200 -': [[], ({ send }) => send('metrics')],
};

/** Refusals before a route does anything, the same for every route. Most of them emit no event. */
export const ANYWHERE: Readonly<Record<string, (id: string) => Row>> = {
  ACCESS_TOKEN_MISSING: (id) => [[], ({ send }) => send(id)],
  ACCESS_TOKEN_INVALID: (id) => [[], ({ send }) => send(id, { token: 'nonsense' })],
  ACCESS_TOKEN_EXPIRED: (id) => [
    [],
    async ({ send, before }) =>
      send(id, { token: expired((await newSession(before)).accessToken, ACCESS_SECRET) }),
  ],
  ACCESS_TOKEN_REVOKED: (id) => [
    [],
    async ({ send, before }) => {
      const session = await newSession(before);
      await before.logout({ body: { refreshToken: session.refreshToken } });
      return send(id, bearer(session));
    },
  ],
  MALFORMED_REQUEST: (id) => [[], ({ send }) => send(id, { raw: '{"email":' })],
  PAYLOAD_TOO_LARGE: (id) => [[], ({ send }) => send(id, { body: { filler: 'x'.repeat(20_000) } })],
  UNSUPPORTED_MEDIA_TYPE: (id) => [[], ({ send }) => send(id, { raw: 'a=b', headers: FORM })],
  CROSS_SITE_REQUEST: (id) => [
    [],
    async ({ send, before }) => send(id, { ...bearer(await newSession(before)), ...EVIL }),
  ],
  VALIDATION_FAILED: (id) => [
    [],
    async ({ send, before, admin }) => {
      if (id === 'listSecurityEvents')
        return send(id, { token: admin, path: '/auth/admin/events?type[$ne]=x' });
      if (id === 'securityReport')
        return send(id, { token: admin, path: '/auth/admin/security-report?format=pdf' });
      if (id === 'listUsers') return send(id, { token: admin, path: '/auth/admin/users?limit=0' });
      if (id === 'impersonateUser') return send(id, { token: admin, body: { reason: '' } });
      if (id === 'setRoles') return send(id, { token: admin, body: { roles: 'admin' } });
      const session = sessionOf(await before.register(credentials()));
      return send(id, { ...bearer(session), refreshCookie: session.refreshToken, body: { surprise: true } });
    },
  ],
  REAUTHENTICATION_REQUIRED: (id) => [
    [],
    async ({ send, before }) => {
      const claims = { auth_time: Math.floor(Date.now() / 1000) - 600 };
      return send(id, { token: resign((await newSession(before)).accessToken, ACCESS_SECRET, { claims }) });
    },
  ],
  FORBIDDEN: (id) => [
    ['access.denied'],
    async ({ send, before }) => send(id, bearer(await newSession(before))),
  ],
  NOT_FOUND: (id) => [[], ({ send, admin: token }) => send(id, { token })],
};

function change(currentPassword: string) {
  return { currentPassword, newPassword: NEW_PASSWORD };
}

/** A change of address, confirmed by password. */
function toEmail(currentPassword = PASSWORD) {
  return { email: uniqueEmail(), currentPassword };
}

/** A token of an administrator who acts for a user. */
async function actingToken(api: Api): Promise<string> {
  const claims = { act: { sub: NOBODY } };
  return resign((await newSession(api)).accessToken, ACCESS_SECRET, { claims });
}

/** A token as if the owner of the session were an administrator. */
async function adminTokenOf(session: Promise<Session>): Promise<string> {
  return resign((await session).accessToken, ACCESS_SECRET, { claims: { roles: ['admin'] } });
}

/** An administrator's route, applied to a logged-in user. */
function onUser(id: string): Act {
  return async ({ send, before, admin: token }) => {
    const { userId } = await newSession(before);
    const rest = RESTS[id] ?? `/${id.replace('User', '')}`;
    const bodies: Readonly<Record<string, object>> = {
      setRoles: { roles: ['user', 'editor'] },
      impersonateUser: REASON,
    };
    const body = bodies[id];
    return send(id, { token, body, path: `/auth/admin/users/${userId}${rest}` });
  };
}

/** Waits for the next millisecond: two requests within one count as a race of tabs even without a grace period. */
async function later(): Promise<void> {
  for (const from = Date.now(); Date.now() - from < 2;) await new Promise((resolve) => setImmediate(resolve));
}
