import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Validator } from '@seriousme/openapi-schema-validator';
import fc from 'fast-check';
import { MongoClient, ObjectId } from 'mongodb';
import { createApp } from '../../apps/service/src/app/create-app.js';
import { readConfig } from '../../apps/service/src/config/config.js';
import { type MailMessage, openApiDocument } from '../../src/index.js';
import { newAttempt } from '../support/attempting-client.js';
import { databaseUri } from '../support/database.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { codeOf, DocumentedApi } from '../support/documented-api.js';
import { authOptions, HostApp } from '../support/host-app.js';
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
} from '../support/http.js';
import { KeyClient } from '../support/proofs.js';
import { type FuzzedRequest, type Pool, requestBatches } from '../support/request-fuzzer.js';
import { ACCESS_SECRET, CLIENT, INTROSPECTION_CLIENTS, REFRESH_SECRET, Service } from '../support/service.js';
import { expired, resign } from '../support/tokens.js';

const NEW_PASSWORD = 'nine-Herons-over-the-marsh';
const ADMIN_EMAIL = 'root@example.com';
const EVIL = { headers: { origin: 'https://evil.example.net' } };
/** Set `FUZZ_SEED` and `FUZZ_BATCHES` for a longer run; a failure prints its seed. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_251_121);
const BATCHES = Number(process.env.FUZZ_BATCHES ?? 250);
const BATCH = 8;
const LINKS = ['forgotPassword', 'resetPassword', 'verifyEmail'];

describe.each(['express', 'fastify'] as const)('OpenAPI on %s', (adapter) => {
  const database = databaseUri('openapi');
  let service: Service;
  let api: Api;
  let documented: DocumentedApi;

  beforeAll(async () => {
    service = await Service.start({
      HTTP_ADAPTER: adapter,
      MONGODB_URI: database,
      REFRESH_GRACE_PERIOD: '0',
      INTROSPECTION_CLIENTS,
      ADMIN_EMAIL,
      ADMIN_PASSWORD: PASSWORD,
    });
    api = service.api();
    documented = new DocumentedApi((await api.send('GET', '/docs-json')).json);
  });

  afterAll(() => service?.dispose());

  /** Sends one operation of the document and checks the answer against it. */
  async function send(id: string, call: Call = {}, { path, to = api }: { path?: string; to?: Api } = {}) {
    const operation = documented.operation(id);
    const answer = await to.send(operation.method, path ?? operation.path.replace('{id}', '0'), sized(call));
    expect({ id, status: answer.status, problems: documented.problems(id, answer) }).toMatchObject({
      problems: [],
    });
    return answer;
  }

  async function expectCode(answer: Promise<Answer>, status: number, code: string): Promise<Answer> {
    const given = await answer;
    expect(`${given.status} ${codeOf(given)}`).toBe(`${status} ${code}`);
    return given;
  }

  const asAdmin = () => anotherSession(api, ADMIN_EMAIL);
  const credentials = (fields: object = {}) => ({ email: uniqueEmail(), password: PASSWORD, ...fields });
  const cookieSession = async (fields: object = {}) => sessionOf(await api.register(credentials(fields)));

  describe('the document', () => {
    it('is valid OpenAPI 3.1, and names the version of the service', async () => {
      const validator = new Validator();
      expect(await validator.validate({ ...structuredClone(documented.document) })).toEqual({ valid: true });
      expect(validator.version).toBe('3.1');
      expect(documented.document.info.version).toMatch(/^\d+\.\d+\.\d+/);
    });

    it('has every route that the application maps, and no other', async () => {
      const mapped = await mappedRoutes(adapter);
      const described = documented.operations.map(({ method, path }) => `${method} ${path}`);
      expect(described.sort()).toEqual(mapped);
    });
  });

  describe('the page at /docs', () => {
    it('loads from this host only, and needs no inline script', async () => {
      const page = await api.send('GET', '/docs');
      expect(page.status).toBe(200);
      expect(page.headers['content-type']).toContain('text/html');
      expect(page.headers['content-security-policy']).toMatch(/\bscript-src 'self'(?:;|$)/);
      expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>/);
      expect(page.text).not.toMatch(/\son\w+=/);
      const links = [...page.text.matchAll(/<(?:script|link)[^>]*(?:src|href)="([^"]+)"/g)].map(
        ([, to]) => to,
      );
      expect(links.length).toBeGreaterThan(3);
      for (const link of links) {
        const { origin, pathname } = new URL(link ?? '', `${service.origin}/docs`);
        expect(origin).toBe(service.origin);
        expect((await api.send('GET', pathname)).status).toBe(200);
      }
      const script = await api.send('GET', '/docs/swagger-ui-init.js');
      expect(script.text).toContain(documented.document.info.title);
    });
  });

  describe('real answers', () => {
    it('of register', async () => {
      const taken = credentials({ name: 'Ada', deviceName: 'Phone' });
      expect((await send('register', { body: taken })).cookie()?.value).toMatch(/\S/);
      expect((await send('register', { body: credentials({ transport: 'body' }) })).json).toHaveProperty(
        'refreshToken',
      );
      await expectCode(send('register', { body: taken }), 409, 'EMAIL_TAKEN');
      await expectCode(
        send('register', { body: credentials({ password: 'password1' }) }),
        400,
        'WEAK_PASSWORD',
      );
      await expectCode(send('register', { body: credentials(), ...EVIL }), 403, 'CROSS_SITE_REQUEST');
    });

    it('of login', async () => {
      const { email, userId } = await cookieSession({ name: 'Ada' });
      expect((await send('login', { body: { email, password: PASSWORD } })).json.user.name).toBe('Ada');
      await send('login', { body: { email, password: PASSWORD, transport: 'body' } });
      await expectCode(send('login', { body: { email, password: 'wrong' } }), 401, 'INVALID_CREDENTIALS');
      await expectCode(send('login', { body: credentials(), ...EVIL }), 403, 'CROSS_SITE_REQUEST');
      await disable(userId);
      await expectCode(send('login', { body: { email, password: PASSWORD } }), 403, 'ACCOUNT_DISABLED');
    });

    it('of refresh', async () => {
      const { refreshToken: refreshCookie } = await cookieSession();
      const rotated = await send('refresh', { refreshCookie });
      expect(rotated.cookie()?.value).toMatch(/\S/);
      const inBody = await newSession(api);
      await send('refresh', { body: { refreshToken: inBody.refreshToken } });
      await expectCode(send('refresh'), 401, 'REFRESH_TOKEN_MISSING');
      await expectCode(send('refresh', EVIL), 403, 'CROSS_SITE_REQUEST');
      const stray = resign(refreshCookie, REFRESH_SECRET, {
        claims: { sid: '0'.repeat(24), jti: `${'0'.repeat(24)}.0` },
      });
      for (const [token, code] of [
        ['nonsense', 'REFRESH_TOKEN_INVALID'],
        [expired((await cookieSession()).refreshToken, REFRESH_SECRET), 'REFRESH_TOKEN_EXPIRED'],
        [stray, 'REFRESH_TOKEN_UNKNOWN'],
      ] as const) {
        const refused = await expectCode(send('refresh', { refreshCookie: token }), 401, code);
        // A foreign cookie is kept.
        expect(refused.cookie()?.value).toBe(token === 'nonsense' ? undefined : '');
      }
      const late = expired((await newSession(api)).refreshToken, REFRESH_SECRET);
      const inBodyRefused = send('refresh', { body: { refreshToken: late } });
      expect((await expectCode(inBodyRefused, 401, 'REFRESH_TOKEN_EXPIRED')).cookies).toEqual([]);
    });

    it('of refresh, to a thief and to the victim', async () => {
      const first = await newSession(api);
      const second = await refreshed(api, first);
      await api.me(second.accessToken);
      await eventually(() =>
        expectCode(
          send('refresh', { body: { refreshToken: first.refreshToken } }),
          401,
          'REFRESH_TOKEN_REUSED',
        ),
      );
      await expectCode(
        send('refresh', { body: { refreshToken: second.refreshToken } }),
        401,
        'SESSION_REVOKED',
      );
    });

    it('of refresh, to a late request', async () => {
      const { refreshToken } = await newSession(api);
      const body = { refreshToken, attempt: newAttempt() };
      const first = sessionOf(await send('refresh', { body }));
      const next = { refreshToken: first.refreshToken, attempt: newAttempt(), previous: body.attempt };
      expect((await send('refresh', { body: next })).status).toBe(200);
      await expectCode(send('refresh', { body }), 409, 'REFRESH_SUPERSEDED');
    });

    it('of logout', async () => {
      const { refreshToken: refreshCookie } = await cookieSession();
      await expectCode(send('logout', { refreshCookie, ...EVIL }), 403, 'CROSS_SITE_REQUEST');
      for (const call of [{ refreshCookie }, { refreshCookie }, {}, { body: {} }, { token: 'nonsense' }])
        expect((await send('logout', call)).status).toBe(204);
    });

    it('of logout-all', async () => {
      const { accessToken: token, refreshToken: refreshCookie } = await cookieSession();
      await expectCode(send('logoutAll', { token, ...EVIL }), 403, 'CROSS_SITE_REQUEST');
      expect((await send('logoutAll', { token, refreshCookie })).cookie()?.value).toBe('');
      const { accessToken } = await newSession(api);
      expect((await send('logoutAll', { token: accessToken })).cookies).toEqual([]);
    });

    it('of a browser that proves its key, if none is bound', async () => {
      for (const id of ['registerDevice', 'renewDevice'])
        await expectCode(send(id, EVIL), 403, 'CROSS_SITE_REQUEST');
      await expectCode(send('registerDevice'), 403, 'DEVICE_PROOF_REQUIRED');
      expect((await send('renewDevice')).json).toEqual({ continue: false });
    });

    it('of ticket', async () => {
      const { accessToken: token } = await newSession(api);
      expect((await send('ticket', { token })).json.ticket).toHaveLength(43);
    });

    it('of me', async () => {
      const { accessToken: token } = await newSession(api, { name: 'Ada' });
      expect((await send('me', { token })).json.name).toBe('Ada');
      expect((await send('me', { token: (await newSession(api)).accessToken })).status).toBe(200);
    });

    it('of the sessions', async () => {
      const { accessToken: token, email } = await newSession(api, { deviceName: 'Phone', appId: 'shop' });
      const other = await anotherSession(service.api({ 'user-agent': 'curl/8' }), email);
      expect((await send('listSessions', { token })).json).toHaveLength(2);
      expect((await send('endSession', { token }, { path: `/auth/sessions/${other.id}` })).status).toBe(204);
      for (const id of [other.id, '0'.repeat(24), 'nonsense', '%24ne'])
        await expectCode(send('endSession', { token }, { path: `/auth/sessions/${id}` }), 404, 'NOT_FOUND');
      expect((await send('endOtherSessions', { token })).status).toBe(204);
    });

    it('of change-password', async () => {
      const right = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
      for (const session of [await newSession(api), await cookieSession()]) {
        const token = session.accessToken;
        const change = (body: object, call: Call = {}) => send('changePassword', { token, body, ...call });
        await expectCode(change(right, EVIL), 403, 'CROSS_SITE_REQUEST');
        await expectCode(change({ ...right, currentPassword: 'x' }), 401, 'INVALID_CREDENTIALS');
        await expectCode(change({ ...right, newPassword: 'password1' }), 400, 'WEAK_PASSWORD');
        expect((await change(right)).status).toBe(200);
      }
    });

    it('of reauthenticate', async () => {
      for (const session of [await newSession(api), await cookieSession()]) {
        const token = session.accessToken;
        const prove = (body: object, call: Call = {}) => send('reauthenticate', { token, body, ...call });
        await expectCode(prove({ password: PASSWORD }, EVIL), 403, 'CROSS_SITE_REQUEST');
        await expectCode(prove({ password: 'x' }), 401, 'INVALID_CREDENTIALS');
        await expectCode(prove({}), 400, 'VALIDATION_FAILED');
        expect((await prove({ password: PASSWORD })).status).toBe(200);
      }
    });

    it('of what users do to their own account', async () => {
      for (const [id, fields, status] of [
        ['changeEmail', { email: uniqueEmail() }, 202],
        ['deleteAccount', {}, 204],
      ] as const) {
        const { accessToken: token } = await newSession(api);
        const act = (currentPassword: unknown, call: Call = {}) =>
          send(id, { token, body: { ...fields, currentPassword }, ...call });
        await expectCode(act(PASSWORD, EVIL), 403, 'CROSS_SITE_REQUEST');
        await expectCode(act('x'), 401, 'INVALID_CREDENTIALS');
        for (const odd of [null, 7, ''] as const) await expectCode(act(odd), 400, 'VALIDATION_FAILED');
        const stale = resign(token, ACCESS_SECRET, { claims: { auth_time: 1_700_000_000 } });
        await expectCode(act(PASSWORD, { token: stale }), 401, 'REAUTHENTICATION_REQUIRED');
        const acting = resign(token, ACCESS_SECRET, { claims: { act: { sub: '0'.repeat(24) } } });
        await expectCode(act(PASSWORD, { token: acting }), 403, 'FORBIDDEN');
        expect((await act(PASSWORD)).status).toBe(status);
      }
    });

    it('with and without proofs of possession', async () => {
      const client = await KeyClient.create(api);
      const passwords = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
      /** Without a nonce, with an unreadable proof, and then with a correct one. */
      const prove = async (id: string, call: Call, path = documented.operation(id).path) => {
        const withProof = async (dpop: string) => send(id, { ...call, headers: { dpop } }, { path });
        await expectCode(withProof('nonsense'), 401, 'PROOF_REQUIRED');
        client.nonce = undefined;
        const answer = await expectCode(
          withProof(await client.proof('POST', path)),
          401,
          'PROOF_NONCE_REQUIRED',
        );
        client.nonce = String(answer.headers['dpop-nonce']);
        return withProof(await client.proof('POST', path));
      };
      const account = credentials({ transport: 'body' });
      await prove('register', { body: account });
      const first = sessionOf(await prove('login', { body: account }));
      const second = sessionOf(await prove('refresh', { body: { refreshToken: first.refreshToken } }));
      await prove('reauthenticate', { body: { password: PASSWORD }, token: second.accessToken });
      const admin = { email: ADMIN_EMAIL, password: PASSWORD, transport: 'body' };
      const { accessToken } = sessionOf(await prove('login', { body: admin }));
      const impersonate = `/auth/admin/users/${second.userId}/impersonate`;
      await prove('impersonateUser', { token: accessToken, body: { reason: 'ticket 4711' } }, impersonate);
      const call = { body: passwords, token: second.accessToken };
      const last = sessionOf(await prove('changePassword', call));
      expect((await prove('logout', { body: { refreshToken: last.refreshToken } })).status).toBe(204);
    });

    it('of mailed links', async () => {
      const { email } = await newSession(api);
      expect((await send('forgotPassword', { body: { email } })).status).toBe(202);
      // In development mail is shown on the terminal.
      const link = new RegExp(`Mail to ${email}: [^─]*#token=([\\w-]{43})`);
      await eventually(async () => expect(service.output).toMatch(link));
      const token = link.exec(service.output)?.[1] ?? '';
      const reset = (newPassword: string) => send('resetPassword', { body: { token, newPassword } });
      await expectCode(reset('password1'), 400, 'WEAK_PASSWORD');
      expect((await reset(NEW_PASSWORD)).status).toBe(204);
      await expectCode(reset(NEW_PASSWORD), 400, 'ACTION_TOKEN_INVALID');
      await expectCode(send('verifyEmail', { body: { token } }), 400, 'ACTION_TOKEN_INVALID');
      await expectCode(send('forgotPassword', { body: { email }, ...EVIL }), 403, 'CROSS_SITE_REQUEST');
      for (const id of ['resetPassword', 'verifyEmail'])
        await expectCode(send(id, { body: { token }, ...EVIL }), 403, 'CROSS_SITE_REQUEST');
    });

    it('of the administration', async () => {
      const { accessToken: token, userId: adminId } = await asAdmin();
      const { userId, accessToken: ordinary } = await newSession(api);
      const at = (id: string, who: string) => ({
        path: documented.operation(id).path.replace('{id}', who),
      });
      const acts = ['listSessionsOfUser', 'disableUser', 'enableUser', 'endSessionsOfUser'];
      for (const id of [...acts, 'getUser', 'unlockUser']) {
        expect((await send(id, { token }, at(id, userId))).status).toBeLessThan(300);
        for (const who of ['0'.repeat(24), 'nonsense', '%24ne', 'x'.repeat(500)])
          await expectCode(send(id, { token }, at(id, who)), 404, 'NOT_FOUND');
      }
      await expectCode(send('disableUser', { token }, at('disableUser', adminId)), 403, 'FORBIDDEN');
      const roles = { token, body: { roles: ['user', 'editor'] } };
      expect((await send('setRoles', roles, at('setRoles', userId))).json.roles).toEqual(['user', 'editor']);
      await expectCode(
        send('setRoles', { token, body: { roles: 'x' } }, at('setRoles', userId)),
        400,
        'VALIDATION_FAILED',
      );
      await expectCode(send('setRoles', roles, at('setRoles', 'nonsense')), 404, 'NOT_FOUND');
      const impersonate = (who: string, body: object, as = token) =>
        send('impersonateUser', { token: as, body }, at('impersonateUser', who));
      const reason = { reason: 'ticket 4711' };
      const acting = (await impersonate(userId, reason)).json.accessToken as string;
      await expectCode(impersonate(userId, {}), 400, 'VALIDATION_FAILED');
      await expectCode(impersonate('nonsense', reason), 404, 'NOT_FOUND');
      await expectCode(impersonate(adminId, reason), 403, 'FORBIDDEN');
      const disabled = await newSession(api);
      await send('disableUser', { token }, at('disableUser', disabled.userId));
      await expectCode(impersonate(disabled.userId, reason), 403, 'ACCOUNT_DISABLED');
      const stale = resign(token, ACCESS_SECRET, { claims: { auth_time: 1_700_000_000 } });
      await expectCode(impersonate(userId, reason, stale), 401, 'REAUTHENTICATION_REQUIRED');
      for (const id of ['logoutAll', 'endOtherSessions', 'endSession', 'changePassword', 'reauthenticate'])
        await expectCode(send(id, { token: acting }, at(id, '0'.repeat(24))), 403, 'FORBIDDEN');
      expect((await send('listUsers', { token })).json.items.length).toBeGreaterThan(1);
      await expectCode(
        send('listUsers', { token }, { path: '/auth/admin/users?limit=0' }),
        400,
        'VALIDATION_FAILED',
      );
      const gone = await newSession(api);
      expect((await send('deleteUser', { token }, at('deleteUser', gone.userId))).status).toBe(204);
      await expectCode(send('deleteUser', { token }, at('deleteUser', gone.userId)), 404, 'NOT_FOUND');
      const { accessToken: other } = await newSession(api);
      for (const { id } of documented.operations.filter(({ path }) => path.includes('/admin/')))
        for (const who of [userId, 'nonsense'])
          await expectCode(send(id, { token: other }, at(id, who)), 403, 'FORBIDDEN');
      expect(ordinary).not.toBe(other);
      expect((await send('listSecurityEvents', { token })).json.items.length).toBeGreaterThan(5);
      for (const format of ['json', 'csv', 'html'])
        await send('securityReport', { token }, { path: `/auth/admin/security-report?format=${format}` });
      const report = { path: '/auth/admin/security-report?format=pdf' };
      await expectCode(send('securityReport', { token }, report), 400, 'VALIDATION_FAILED');
      const query = (text: string) => ({ path: `/auth/admin/events?${text}` });
      for (const odd of [
        'limit=0',
        'type=x',
        'from=2026-02-30',
        'cursor=x',
        'userId[$ne]=1',
        'limit=1&limit=2',
      ])
        await expectCode(send('listSecurityEvents', { token }, query(odd)), 400, 'VALIDATION_FAILED');
    });

    it.each([
      'logoutAll',
      'ticket',
      'me',
      'listSessions',
      'endSession',
      'endOtherSessions',
      'changePassword',
      'listSessionsOfUser',
      'endSessionsOfUser',
      'disableUser',
      'enableUser',
      'reauthenticate',
      'changeEmail',
      'deleteAccount',
      'listUsers',
      'getUser',
      'deleteUser',
      'setRoles',
      'unlockUser',
      'impersonateUser',
      'listSecurityEvents',
      'securityReport',
    ])('of the guard of %s', async (id) => {
      const session = await newSession(api);
      const { accessToken, refreshToken } = session;
      await expectCode(send(id), 401, 'ACCESS_TOKEN_MISSING');
      await expectCode(send(id, { token: 'nonsense' }), 401, 'ACCESS_TOKEN_INVALID');
      await expectCode(send(id, { token: expired(accessToken, ACCESS_SECRET) }), 401, 'ACCESS_TOKEN_EXPIRED');
      await api.logout({ body: { refreshToken } });
      await eventually(() => expectCode(send(id, { token: accessToken }), 401, 'ACCESS_TOKEN_REVOKED'));
    });

    it.each([...LINKS, 'register', 'login', 'refresh', 'logout', 'changePassword'])(
      'to invalid fields of %s',
      async (id) => {
        // Tokens of both kinds: guards come before validation.
        const { accessToken: token, refreshToken: refreshCookie } = await cookieSession();
        for (const body of [{ surprise: true }, [], { refreshToken: { $ne: null }, email: 7 }])
          await expectCode(send(id, { token, refreshCookie, body }), 400, 'VALIDATION_FAILED');
      },
    );

    it.each([
      ...LINKS,
      'register',
      'login',
      'refresh',
      'logout',
      'logoutAll',
      'ticket',
      'registerDevice',
      'renewDevice',
      'endSession',
      'endOtherSessions',
      'changePassword',
      'endSessionsOfUser',
      'disableUser',
      'enableUser',
      'reauthenticate',
      'changeEmail',
      'deleteAccount',
      'deleteUser',
      'setRoles',
      'unlockUser',
      'impersonateUser',
    ])('to an unreadable body of %s', async (id) => {
      await expectCode(send(id, { raw: '{"email":' }), 400, 'MALFORMED_REQUEST');
      await expectCode(send(id, { body: { filler: 'x'.repeat(20_000) } }), 413, 'PAYLOAD_TOO_LARGE');
      const form = { raw: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
      await expectCode(send(id, form), 415, 'UNSUPPORTED_MEDIA_TYPE');
    });

    it.each(['introspect', 'revoke'])('of %s', async (id) => {
      const session = await newSession(api);
      for (const token of [session.accessToken, session.refreshToken, 'nonsense']) {
        for (const token_type_hint of ['refresh_token', 'access_token']) {
          expect((await send(id, form({ token, token_type_hint, ...asClient }))).status).toBe(200);
        }
      }
      await expectCode(send(id, form({ ...asClient })), 400, 'invalid_request');
      await expectCode(send(id, form({ token: 'x' })), 401, 'invalid_client');
      await expectCode(send(id, { body: { token: 'x' } }), 415, 'invalid_request');
      await expectCode(send(id, { raw: '{"token":' }), 415, 'invalid_request');
      await expectCode(send(id, form({ token: 'x'.repeat(17_000) })), 413, 'invalid_request');
    });

    it('of public routes', async () => {
      expect((await send('jwks')).json).toEqual({ keys: [] });
      await send('serverMetadata');
      for (const id of ['live', 'ready']) expect((await send(id)).json.status).toBe('ok');
      expect((await send('metrics')).text).toContain('silent_auth_info{');
    });

    it('if the database is unreachable', async () => {
      const proxy = await DatabaseProxy.open('openapi');
      const cut = await Service.start({
        HTTP_ADAPTER: adapter,
        MONGODB_URI: proxy.uri,
        INTROSPECTION_CLIENTS,
        ADMIN_EMAIL,
        ADMIN_PASSWORD: PASSWORD,
      });
      try {
        const to = cut.api();
        const calls: Record<string, (session: Session) => Call> = {
          register: () => ({ body: credentials() }),
          login: () => ({ body: credentials() }),
          refresh: ({ refreshToken }) => ({ body: { refreshToken } }),
          logout: ({ refreshToken }) => ({ body: { refreshToken } }),
          logoutAll: bearer,
          ticket: bearer,
          me: bearer,
          listSessions: bearer,
          endSession: bearer,
          endOtherSessions: bearer,
          introspect: ({ accessToken: token }) => form({ token, ...asClient }),
          revoke: ({ accessToken: token }) => form({ token, ...asClient }),
          resetPassword: () => ({ body: { token: 'A'.repeat(43), newPassword: NEW_PASSWORD } }),
          verifyEmail: () => ({ body: { token: 'A'.repeat(43) } }),
          reauthenticate: ({ accessToken: token }) => ({ token, body: { password: PASSWORD } }),
          changeEmail: ({ accessToken: token }) => ({
            token,
            body: { email: uniqueEmail(), currentPassword: PASSWORD },
          }),
          deleteAccount: ({ accessToken: token }) => ({ token, body: { currentPassword: PASSWORD } }),
          changePassword: ({ accessToken: token }) => ({
            token,
            body: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
          }),
        };
        const administrator = async () => anotherSession(to, ADMIN_EMAIL);
        const adminBodies: Readonly<Record<string, Call>> = {
          setRoles: { body: { roles: ['user'] } },
          impersonateUser: { body: { reason: 'ticket 4711' } },
        };
        for (const { id } of documented.operations.filter(({ path }) => path.includes('/admin/')))
          calls[id] = ({ accessToken: token }) => ({ token, ...adminBodies[id] });
        const isAdmin = (name: string) => documented.operation(name).path.includes('/admin/');
        const ready: [string, Session][] = [];
        for (const name of Object.keys(calls))
          ready.push([name, await (isAdmin(name) ? administrator() : newSession(to))]);
        proxy.cut();
        await Promise.all([
          ...ready.map(([name, session]) => {
            // Another user: administrators cannot disable themselves.
            const id = isAdmin(name) ? (ready[0]?.[1].userId ?? '') : session.id;
            const path = documented.operation(name).path.replace('{id}', id);
            const call = calls[name]?.(session);
            const code = call?.raw === undefined ? 'TEMPORARILY_UNAVAILABLE' : 'temporarily_unavailable';
            return expectCode(send(name, call, { to, path }), 503, code);
          }),
          expectCode(send('ready', {}, { to }), 503, '-'),
        ]);
      } finally {
        proxy.restore();
        await cut.dispose();
        await proxy.close();
      }
    });

    test('cover everything the document promises, except bugs and what the tests below trigger', () => {
      const rest = documented.promised.filter((promise) => !documented.seen.has(promise));
      const elsewhere =
        /^(?:registerDevice (?:200 -|503 \w+)|renewDevice (?:403 DEVICE_PROOF_REQUIRED|503 \w+)|verifyEmail 204 -|verifyEmail 409 EMAIL_TAKEN|changePassword 409 PASSWORD_NOT_SET|forgotPassword 503 \w+)$| (?:INTERNAL|TOO_MANY_ATTEMPTS|REFRESH_CONTESTED|SUSPICIOUS_ACTIVITY|server_error|unsupported_token_type|429 temporarily_unavailable)$/;
      expect(rest.filter((promise) => !elsewhere.test(promise))).toEqual([]);
    });
  });

  describe('requests at the edge of HTTP', () => {
    it('get the usual error shape if the URL cannot be decoded', async () => {
      for (const id of ['%', '%E0%A4%A', '%ff'])
        await expectCode(send('endSession', {}, { path: `/auth/sessions/${id}` }), 400, 'MALFORMED_REQUEST');
    });

    it('get an answer with a body, whatever they have cached', async () => {
      await send('live', { headers: { 'if-none-match': '*' } });
    });
  });

  describe('requests made from the document', () => {
    it(`get no 5xx and no undocumented answer, whether valid or hostile (seed ${SEED})`, async () => {
      const pool = await knownThings();
      const succeeded = new Set<string>();
      const batches = requestBatches(documented.operations, documented.document.components.schemas, BATCH);
      const property = fc.asyncProperty(batches, async (makers) => {
        const requests = makers.map((make) => make(pool));
        const answers = await Promise.all(
          requests.map(({ operation, path, call }) => api.send(operation.method, path, sized(call))),
        );
        for (const [index, answer] of answers.entries()) {
          const request = requests[index] as FuzzedRequest;
          const problems = judge(request, answer);
          if (problems.length > 0) throw new Error(describeFailure(request, answer, problems));
          if (answer.status < 300) succeeded.add(request.operation.id);
          learn(pool, answer);
        }
      });
      // No shrinking: the state of the service has moved on. The error has the request in full.
      const run = await fc.check(property, { seed: SEED, numRuns: BATCHES, endOnFailure: true });
      expect(run.failed ? String(run.errorInstance) : '').toBe('');
      // Nobody guesses the token of a link, or a challenge.
      const byLuck = ['resetPassword', 'verifyEmail', 'registerDevice'];
      const expected = documented.operations.map(({ id }) => id).filter((id) => !byLuck.includes(id));
      expect([...succeeded].sort()).toEqual(expected.sort());
    });

    function judge({ operation: { id }, json }: FuzzedRequest, answer: Answer): string[] {
      const problems = documented.problems(id, answer);
      if (answer.status >= 500) problems.push('a 5xx');
      if (json && answer.status < 300 && documented.allowsBody(id, json.value) === false)
        problems.push('a body succeeded that the document does not allow');
      return problems;
    }

    async function knownThings(): Promise<Pool> {
      const pool: Pool = {
        accessTokens: [],
        refreshTokens: [],
        sessionIds: [],
        adminTokens: [],
        userIds: [],
        emails: [],
        password: PASSWORD,
      };
      // Many, because they delete and lock each other.
      for (let user = 0; user < 48; user += 1) {
        const answer = await api.register(credentials(user % 2 ? {} : { transport: 'body' }));
        const { accessToken, refreshToken, id, email } = sessionOf(answer);
        pool.accessTokens.push(accessToken);
        pool.refreshTokens.push(refreshToken);
        pool.sessionIds.push(id);
        pool.emails.push(email);
      }
      for (let turn = 0; turn < 3; turn += 1) {
        pool.adminTokens.push((await asAdmin()).accessToken);
      }
      // Each can be deleted only once.
      for (let user = 0; user < 30; user += 1) pool.userIds.push((await newSession(api)).userId);
      return pool;
    }

    function learn(pool: Pool, answer: Answer): void {
      if (answer.status >= 300 || !answer.text.includes('accessToken')) return;
      const { accessToken, refreshToken, id } = sessionOf(answer);
      // Answers without one: a reauthentication, or an administrator who acts for a user.
      if (refreshToken === undefined) return;
      pool.accessTokens.push(accessToken);
      pool.refreshTokens.push(refreshToken);
      pool.sessionIds.push(id);
    }
  });

  /** In the store, because no route of the service does it yet. */
  async function disable(userId: string): Promise<void> {
    const client = await MongoClient.connect(database);
    try {
      const users = client.db().collection('users');
      await users.updateOne({ _id: new ObjectId(userId) }, { $set: { disabledAt: new Date() } });
    } finally {
      await client.close();
    }
  }
});

describe.each(['express', 'fastify'] as const)('the document of a host on %s', (adapter) => {
  const options = authOptions({
    fingerprint: { mode: 'enforce' },
    refreshToken: { allowBodyTransport: false, cookie: { domain: 'example.com' } },
    throttle: {
      login: { limit: 6, window: '1m' },
      failures: { limit: 1, window: '1m' },
      refresh: { limit: 2, window: '1m' },
    },
  });
  const documented = new DocumentedApi(openApiDocument({ ...options, routePrefix: 'v1/account' }));
  const cookieName = '__Secure-refresh_token';
  let host: HostApp;

  beforeAll(async () => {
    host = await HostApp.start(adapter, { ...options, routePrefix: 'v1/account' });
  });

  afterAll(() => host?.stop());

  async function send(id: string, call: Call = {}): Promise<Answer> {
    const { method, path } = documented.operation(id);
    const answer = await host.api().send(method, path, call);
    expect({ id, problems: documented.problems(id, answer) }).toEqual({ id, problems: [] });
    return answer;
  }

  it('holds if a request looks unlike the owner, and if there are too many attempts', async () => {
    const credentials = { email: uniqueEmail(), password: PASSWORD };
    const made = await send('register', { body: credentials });
    expect(made.cookies.map(({ name }) => name).sort()).toEqual([
      '__Secure-device',
      cookieName,
      'refresh_token_hint',
    ]);
    const token = made.json.accessToken;
    const cookie = `${cookieName}=${made.cookie(cookieName)?.value}`;
    const stranger = { cookie, 'user-agent': 'curl/8', 'accept-language': 'de' };
    const suspicious = await send('refresh', { headers: stranger });
    expect(codeOf(suspicious)).toBe('SUSPICIOUS_ACTIVITY');
    expect(suspicious.cookie(cookieName)?.value).toBe('');
    const another = await send('register', { body: { email: uniqueEmail(), password: PASSWORD } });
    const headers = { cookie: `${cookieName}=${another.cookie(cookieName)?.value}` };
    const codesOfTwo: string[] = [];
    for (const attempt of [newAttempt(), newAttempt()])
      codesOfTwo.push(codeOf(await send('refresh', { headers, body: { attempt } })));
    expect(codesOfTwo).toEqual(['-', 'REFRESH_CONTESTED']);
    const wrong = { currentPassword: 'x', newPassword: NEW_PASSWORD };
    const calls: [string, Call][] = [
      [
        'changePassword',
        { token: sessionToken(await send('login', { body: credentials })) ?? token, body: wrong },
      ],
      ['refresh', { headers: { cookie: `${cookieName}=nonsense` } }],
      ['login', { body: { ...credentials, password: 'x' } }],
      ['register', { body: {} }],
    ];
    for (const [id, call] of calls) {
      const codes: string[] = [];
      for (let time = 0; time < 8; time += 1) codes.push(codeOf(await send(id, call)));
      expect({ id, codes }).toEqual({ id, codes: expect.arrayContaining(['TOO_MANY_ATTEMPTS']) });
    }
  });
});

describe('the document with verified addresses', () => {
  it('holds from the registration to the login', async () => {
    const sent: MailMessage[] = [];
    const mailer = { send: async (message: MailMessage) => void sent.push(message) };
    const options = authOptions({ mailer, emailVerification: 'required' });
    const documented = new DocumentedApi(openApiDocument(options));
    const host = await HostApp.start('fastify', options);
    const send = async (id: string, body: object): Promise<Answer> => {
      const { method, path } = documented.operation(id);
      const answer = await host.api().send(method, path, { body });
      expect({ id, problems: documented.problems(id, answer) }).toEqual({ id, problems: [] });
      return answer;
    };
    try {
      const credentials = { email: uniqueEmail(), password: PASSWORD };
      for (let time = 0; time < 2; time += 1) expect((await send('register', credentials)).status).toBe(202);
      await eventually(async () => expect(sent.map(({ kind }) => kind)).toContain('email_verification'));
      expect(codeOf(await send('login', credentials))).toBe('EMAIL_NOT_VERIFIED');
      const message = sent.find(({ kind }) => kind === 'email_verification');
      const token = message && 'token' in message ? message.token : '';
      expect((await send('verifyEmail', { token })).status).toBe(204);
      expect((await send('login', credentials)).status).toBe(200);
    } finally {
      await host.stop();
    }
  });
});

describe('the key set', () => {
  it('is as documented with keys of each kind', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const keys = [
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    ].map(({ privateKey }) => privateKey.export({ format: 'jwk' }));
    const { keys: secrets } = authOptions();
    const host = await HostApp.start('express', { keys: { ...secrets, access: keys } });
    try {
      const documented = new DocumentedApi(openApiDocument());
      const answer = await host.api().send('GET', '/.well-known/jwks.json');
      expect(documented.problems('jwks', answer)).toEqual([]);
      expect(answer.json.keys).toHaveLength(3);
    } finally {
      await host.stop();
    }
  });
});

const asClient = { client_id: CLIENT.id, client_secret: CLIENT.secret };

const form = (fields: Record<string, string>): Call => ({
  raw: new URLSearchParams(fields).toString(),
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
});

/** Node's client sends a body of DELETE without its length, and a server reads it as the next request. */
function sized(call: Call): Call {
  const payload = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  if (payload === undefined || call.headers?.['transfer-encoding'] !== undefined) return call;
  return { ...call, headers: { 'content-length': String(Buffer.byteLength(payload)), ...call.headers } };
}

const bearer = ({ accessToken: token }: Session): Call => ({ token });

const sessionToken = (answer: Answer): string | undefined => answer.json.accessToken;

/** Retries until it succeeds: timing is measured elsewhere. */
async function eventually(attempt: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(50);
    }
  }
}

/** `GET /auth/me` …, as the router has them; the pages of the documentation are not part of the API. */
async function mappedRoutes(adapter: 'express' | 'fastify'): Promise<string[]> {
  const config = readConfig({
    NODE_ENV: 'test',
    HTTP_ADAPTER: adapter,
    LOG_LEVEL: 'silent',
    // The demo's routes are only for its page.
    DEMO: 'off',
    MONGODB_URI: databaseUri('routes'),
    JWT_ACCESS_KEYS: ACCESS_SECRET,
    JWT_REFRESH_KEYS: REFRESH_SECRET,
    INTROSPECTION_CLIENTS,
  });
  const app = await createApp(config, config.database.uri ?? '');
  const routes: [string, string][] = [];
  try {
    if (adapter === 'fastify') {
      const fastify = app.getHttpAdapter().getInstance();
      fastify.addHook('onRoute', ({ method, url }: { method: string | string[]; url: string }) => {
        for (const name of [method].flat()) routes.push([name, url]);
      });
      await app.init();
      await fastify.ready();
    } else {
      await app.init();
      routes.push(...expressRoutes(app));
    }
  } finally {
    await app.close();
  }
  const isApi = ([method, path]: [string, string]) =>
    !['HEAD', 'OPTIONS'].includes(method) && !/^\/docs\b|^\/?\*|^\/\{\*/.test(path);
  return [
    ...new Set(routes.filter(isApi).map(([method, path]) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)),
  ].sort();
}

function expressRoutes(app: INestApplication): [string, string][] {
  const { stack } = app.getHttpAdapter().getInstance().router as {
    stack: { route?: { path: string; methods: Record<string, boolean> } }[];
  };
  return stack.flatMap(({ route }) =>
    Object.keys(route?.methods ?? {}).map((method): [string, string] => [
      method.toUpperCase(),
      route?.path ?? '',
    ]),
  );
}

function describeFailure(
  { operation, path, call }: FuzzedRequest,
  answer: Answer,
  problems: string[],
): string {
  const body = Buffer.isBuffer(call.raw) ? call.raw.toString('hex') : call.raw;
  return [
    `${problems.join('; ')}`,
    `request: ${operation.method} ${path} (FUZZ_SEED=${SEED})`,
    `headers: ${JSON.stringify(call.headers).slice(0, 3_000)}`,
    `body: ${JSON.stringify(body)?.slice(0, 3_000)}`,
    `answer: ${answer.status} ${JSON.stringify(answer.headers)} ${answer.text.slice(0, 600)}`,
  ].join('\n');
}
