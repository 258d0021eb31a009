import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { databaseUri } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import {
  anotherSession,
  type Api,
  expectError,
  expectNoContent,
  newSession,
  PASSWORD,
  refreshed,
  type Session,
  sessionOf,
  uniqueEmail,
  USER_AGENT,
} from '../support/http.js';
import { HELD_CLOCK, Service } from '../support/service.js';

const ADMIN_EMAIL = 'root@example.com';
const NEW_PASSWORD = 'nine-Herons-over-the-marsh';
const ADDRESS = '203.0.113.9';

describe.each(['express', 'fastify'])('the audit log on %s', (HTTP_ADAPTER) => {
  const settings = { HTTP_ADAPTER, ADMIN_EMAIL, ADMIN_PASSWORD: PASSWORD, TRUST_PROXY: 'true' };

  it('has exactly the events of each route, exactly once, also after the service was stopped', async () => {
    const uri = databaseUri('audit_e2e');
    const noMercy = { REFRESH_LOST_RESPONSE_WINDOW: '0', REFRESH_GRACE_PERIOD: '0' };
    const service = await Service.start({ ...settings, ...noMercy, MONGODB_URI: uri }, HELD_CLOCK);
    const expected: Record<string, string[]> = {};
    let adminId = '';
    try {
      const api = service.api({ 'x-forwarded-for': ADDRESS });
      const admin = await anotherSession(api, ADMIN_EMAIL);
      adminId = admin.userId;
      const token = admin.accessToken;
      /** What one step of a new user causes, in addition to the registration. */
      const story = async (types: string[], act: (session: Session) => Promise<unknown>) => {
        const session = await newSession(api);
        await act(session);
        expected[session.userId] = ['user.registered', ...types];
      };
      const on = ({ userId }: Session, method: string, rest: string) =>
        api.send(method, `/auth/admin/users/${userId}/${rest}`, { token });

      await story(['user.logged_in'], ({ email }) => anotherSession(api, email, { deviceName: 'Phone' }));
      await story(['login.failed'], ({ email }) => api.login({ email, password: 'wrong' }));
      await story(['refresh_token.rotated'], (session) => refreshed(api, session));
      await story(
        ['refresh_token.rotated', 'refresh_token.reuse_detected', 'session.revoked'],
        async (session) => {
          await refreshed(api, session);
          // Within the same millisecond it would count as a race of tabs.
          await service.advance(1);
          expectError(await api.refresh(session.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
        },
      );
      await story(['session.revoked', 'user.logged_out'], async ({ refreshToken, accessToken }) => {
        // Tabs and a retry: this is one logout.
        for (let time = 0; time < 2; time += 1)
          await Promise.all([
            api.logout({ body: { refreshToken } }),
            api.logout({ token: accessToken }),
            api.logout({ body: { refreshToken } }),
          ]);
      });
      await story(
        ['user.logged_in', 'session.revoked', 'session.revoked', 'user.logged_out'],
        async (session) => {
          const { accessToken } = await anotherSession(api, session.email);
          await api.post('/auth/logout-all', undefined, { token: accessToken });
        },
      );
      await story(['session.revoked'], ({ id, accessToken }) =>
        api.send('DELETE', `/auth/sessions/${id}`, { token: accessToken }),
      );
      await story(['session.revoked', 'password.changed'], ({ accessToken }) =>
        api.post(
          '/auth/change-password',
          { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
          { token: accessToken },
        ),
      );
      await story([], ({ accessToken }) => api.me(accessToken));
      await story(['access.denied'], async ({ userId, accessToken }) => {
        const path = `/auth/admin/users/${userId}/sessions`;
        expectError(await api.send('GET', path, { token: accessToken }), 403, 'FORBIDDEN');
      });
      await story(['records.viewed'], (session) => on(session, 'GET', 'sessions'));
      await story(['session.revoked', 'user.logged_out'], (session) => on(session, 'DELETE', 'sessions'));
      await story(['session.revoked', 'user.disabled', 'user.enabled'], async (session) => {
        expectNoContent(await on(session, 'POST', 'disable'));
        expectError(await api.login({ email: session.email, password: PASSWORD }), 403, 'ACCOUNT_DISABLED');
        expectNoContent(await on(session, 'POST', 'enable'));
      });
      // Between disabling and enabling, the login fails.
      Object.values(expected).at(-1)?.splice(3, 0, 'login.failed');
      await story(['records.viewed'], ({ userId }) =>
        api.send('GET', `/auth/admin/events?userId=${userId}`, { token }),
      );
    } finally {
      await service.dispose();
    }

    const client = await MongoClient.connect(uri);
    try {
      const rows = await client.db().collection('security_events').find().sort({ _id: 1 }).toArray();
      const logged = Object.fromEntries(
        Object.keys(expected).map((userId) => [
          userId,
          rows.filter((row) => row['userId'] === userId).map(({ type }) => type as string),
        ]),
      );
      expect(logged).toEqual(expected);
      for (const row of rows) {
        if (row['type'] === 'key.retired') continue;
        expect(row).toMatchObject({ ip: ADDRESS, userAgent: USER_AGENT });
      }
      const byAdmin = rows.filter((row) => row['by'] === adminId).map(({ type }) => type as string);
      expect(byAdmin).toEqual([
        'records.viewed',
        'user.logged_out',
        'user.disabled',
        'user.enabled',
        'records.viewed',
      ]);
      const days = await client
        .db()
        .collection('security_daily')
        .find({ count: { $exists: true } })
        .toArray();
      const counted = days.reduce<Record<string, number>>((sums, { type, count }) => {
        return { ...sums, [type]: (sums[type] ?? 0) + Number(count) };
      }, {});
      const kept = rows.reduce<Record<string, number>>((sums, { type }) => {
        return { ...sums, [type]: (sums[type] ?? 0) + 1 };
      }, {});
      expect(counted).toEqual(kept);
    } finally {
      await client.db().dropDatabase();
      await client.close();
    }
  });

  describe('over HTTP', () => {
    let service: Service;
    let api: Api;
    let token: string;
    beforeAll(async () => {
      service = await Service.start({ ...settings });
      api = service.api();
      token = (await anotherSession(api, ADMIN_EMAIL)).accessToken;
    });
    afterAll(() => service?.dispose());

    const events = async (query: string) => {
      const answer = await api.send('GET', `/auth/admin/events?${query}`, { token });
      expect(answer.status).toBe(200);
      return answer.json as { items: { id: string; type: string; userId?: string }[]; nextCursor?: string };
    };

    it('shows an administrator a login and a theft as they happened', async () => {
      const { userId, email } = await newSession(api);
      await anotherSession(api, email, { deviceName: 'Phone', appId: 'shop' });
      const { items } = await eventually(
        () => events(`userId=${userId}&type=user.logged_in`),
        (page) => page.items.length > 0,
      );
      expect(items).toEqual([
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          at: expect.stringMatching(/^\d{4}-.*Z$/),
          type: 'user.logged_in',
          userId,
          sessionId: expect.any(String),
          ip: '127.0.0.1',
          userAgent: USER_AGENT,
          device: { appId: 'shop', deviceName: 'Phone' },
          evidence: { amr: ['pwd'] },
        },
      ]);
    });

    it('pages back in time, without repeating or missing a row, while new events arrive', async () => {
      const { userId, email } = await newSession(api);
      const failures = 11;
      for (let attempt = 0; attempt < failures; attempt += 1) await api.login({ email, password: 'wrong' });
      const query = `userId=${userId}&type=login.failed`;
      const all = await eventually(
        () => events(`${query}&limit=200`),
        ({ items }) => items.length === failures,
      );
      const seen: string[] = [];
      let page = await events(`${query}&limit=3`);
      for (;;) {
        seen.push(...page.items.map(({ id }) => id));
        if (page.nextCursor === undefined) break;
        await api.login({ email, password: 'wrong' });
        page = await events(`${query}&limit=3&cursor=${page.nextCursor}`);
      }
      expect(seen).toEqual(all.items.map(({ id }) => id));
    });

    it('accepts a moment or a day as a bound', async () => {
      const { userId } = await newSession(api);
      await eventually(
        () => events(`userId=${userId}&type=user.registered`),
        ({ items }) => items.length === 1,
      );
      const count = async (query: string) =>
        (await events(`userId=${userId}&type=user.registered&${query}`)).items.length;
      const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
      expect(await count(`to=${tomorrow}`)).toBe(1);
      expect(await count(`from=${tomorrow.slice(0, 10)}`)).toBe(0);
      expect(await count('from=2020-01-01T00:00:00%2B02:00&to=2020-01-02')).toBe(0);
    });

    it('an ordinary user gets the same refusal for every request', async () => {
      const { accessToken, userId } = await newSession(api);
      const answers = await Promise.all(
        [userId, '0'.repeat(24), 'nonsense'].flatMap((id) => [
          api.send('GET', `/auth/admin/users/${id}/sessions`, { token: accessToken }),
          api.send('DELETE', `/auth/admin/users/${id}/sessions`, { token: accessToken }),
          api.send('POST', `/auth/admin/users/${id}/disable`, { token: accessToken }),
          api.send('GET', `/auth/admin/events?userId=${id}&limit=nonsense`, { token: accessToken }),
        ]),
      );
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      for (const answer of answers) expectError(answer, 403, 'FORBIDDEN');
      expect((await api.me(accessToken)).status).toBe(200);
    });

    it('ASVS 7.4.5: an administrator sees a user’s sessions, ends them, disables and enables the user', async () => {
      const session = await newSession(api, { deviceName: 'Phone' });
      const other = await newSession(api);
      const path = `/auth/admin/users/${session.userId}`;
      const shown = await api.send('GET', `${path}/sessions`, { token });
      expect(shown.json).toMatchObject([{ id: session.id, current: false, deviceName: 'Phone' }]);
      expectNoContent(await api.send('DELETE', `${path}/sessions`, { token }));
      expectError(await api.refresh(session.refreshToken), 401, 'SESSION_REVOKED');
      expectNoContent(await api.send('POST', `${path}/disable`, { token }));
      const login = () => api.login({ email: session.email, password: PASSWORD, transport: 'body' });
      expectError(await login(), 403, 'ACCOUNT_DISABLED');
      expectNoContent(await api.send('POST', `${path}/enable`, { token }));
      expect(sessionOf(await login()).userId).toBe(session.userId);
      expect((await api.refresh(other.refreshToken)).status).toBe(200);
    });

    it.each([
      ['DELETE', 'sessions', 'user.logged_out'],
      ['POST', 'disable', 'user.disabled'],
    ])('a user is the same in every spelling of the id: %s …/%s', async (method, rest, type) => {
      const { id, userId } = await newSession(api);
      const path = `/auth/admin/users/${userId.toUpperCase()}`;
      expect((await api.send('GET', `${path}/sessions`, { token })).json).toMatchObject([{ id }]);
      expectNoContent(await api.send(method, `${path}/${rest}`, { token }));
      expect((await api.send('GET', `${path}/sessions`, { token })).json).toEqual([]);
      expectNoContent(await api.send('POST', `${path}/enable`, { token }));
      // Queried by type, because reading the rows of this user adds one to them.
      await eventually(
        () => events('type=user.enabled'),
        (page) => page.items.some((item) => item.userId === userId),
      );
      const { items } = await events(`userId=${userId}`);
      expect(items.map((item) => item.type).reverse()).toEqual([
        'user.registered',
        'records.viewed',
        'session.revoked',
        type,
        'records.viewed',
        'user.enabled',
      ]);
    });

    it('administrators cannot disable themselves: nobody might be left to undo it', async () => {
      const { userId } = await anotherSession(api, ADMIN_EMAIL);
      for (const id of [userId, userId.toUpperCase()])
        expectError(await api.send('POST', `/auth/admin/users/${id}/disable`, { token }), 403, 'FORBIDDEN');
      expect((await events('limit=1')).items).toHaveLength(1);
    });

    it.each([
      'limit=0',
      'limit=201',
      'limit=1e1',
      'type=nonsense',
      'from=yesterday',
      'to=2026-02-30',
      'cursor=!',
      'cursor=',
      'surprise=1',
      'userId=a&userId=b',
      'userId[$ne]=x',
      `userId=${'x'.repeat(129)}`,
    ])('refuses the query %s', async (query) => {
      const answer = await api.send('GET', `/auth/admin/events?${query}`, { token });
      expectError(answer, 400, 'VALIDATION_FAILED');
    });
  });

  it('AUDIT=off stores nothing, and says that there is nothing to show', async () => {
    const uri = databaseUri('audit_off');
    const service = await Service.start({ ...settings, MONGODB_URI: uri, AUDIT: 'off' });
    try {
      const api = service.api();
      const { accessToken: token } = await anotherSession(api, ADMIN_EMAIL);
      await api.login({ email: uniqueEmail(), password: 'wrong' });
      expectError(await api.send('GET', '/auth/admin/events', { token }), 404, 'NOT_FOUND');
      expect((await api.send('GET', '/docs-json')).text).not.toContain('/admin/events');
    } finally {
      await service.dispose();
    }
    const client = await MongoClient.connect(uri);
    const names = (await client.db().listCollections().toArray()).map(({ name }) => name);
    await client.db().dropDatabase();
    await client.close();
    expect(names).toContain('refresh_tokens');
    expect(names.filter((name) => name.startsWith('security_'))).toEqual([]);
  });
});
