import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Types } from 'mongoose';
import {
  AuditService,
  AuthService,
  type MailMessage,
  NotificationService,
  UsersService,
} from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  type Answer,
  expectError,
  expectInvalidField,
  PASSWORD,
  type Session,
  uniqueEmail,
} from '../support/http.js';
import { ACCESS_SECRET, REFRESH_SECRET } from '../support/service.js';
import { resign } from '../support/tokens.js';

describe.each(ADAPTERS)('users and their administrators, on %s', (adapter) => {
  let host: HostApp;
  let admin: Session;
  const sent: MailMessage[] = [];
  const mailer = { send: async (mail: MailMessage) => void sent.push(mail) };

  beforeAll(async () => {
    host = await HostApp.start(adapter, {
      mailer,
      keys: { access: [ACCESS_SECRET], refresh: [REFRESH_SECRET] },
      throttle: { login: { limit: 1000, window: '1m' } },
      revocation: { pollInterval: 1 },
    });
    admin = await administrator();
  });
  afterAll(() => host.stop());

  const administrator = async () => {
    const email = uniqueEmail();
    await host.app.get(UsersService).register({ email, password: PASSWORD, roles: ['admin'] });
    return anotherSession(host.api(), email);
  };
  const user = (email = uniqueEmail()) =>
    host.app
      .get(UsersService)
      .register({ email, password: PASSWORD })
      .then(() => anotherSession(host.api(), email));
  const send = (method: string, path: string, body?: unknown, { accessToken } = admin) =>
    host.api().send(method, `/auth/admin/users${path}`, { token: accessToken, body });
  const setRoles = ({ userId }: Session, roles: unknown, by = admin) =>
    send('PUT', `/${userId}/roles`, { roles }, by);
  const mailTo = async (email: string, kind: MailMessage['kind']) => {
    await host.app.get(NotificationService).idle();
    return sent.filter((mail) => mail.to === email && mail.kind === kind);
  };

  it('new roles apply at once, and log nobody out', async () => {
    const session = await user();
    expectError(
      await host.api().post('/orders/approve', {}, { token: session.accessToken }),
      403,
      'FORBIDDEN',
    );
    const answer = await setRoles(session, ['user', 'approver']);
    expect([answer.status, answer.json.roles]).toEqual([200, ['user', 'approver']]);
    expectError(await host.api().me(session.accessToken), 401, 'ACCESS_TOKEN_REVOKED');
    const refreshed = await host.api().refresh(session.refreshToken);
    expect([refreshed.status, refreshed.json.user.roles]).toEqual([200, ['user', 'approver']]);
    const { accessToken: token, refreshToken } = refreshed.json;
    expect((await host.api().post('/orders/approve', {}, { token })).status).toBe(201);
    expect((await setRoles(session, ['user'])).status).toBe(200);
    expectError(await host.api().post('/orders/approve', {}, { token }), 401, 'ACCESS_TOKEN_REVOKED');
    const last = await host.api().refresh(refreshToken);
    expectError(
      await host.api().post('/orders/approve', {}, { token: last.json.accessToken }),
      403,
      'FORBIDDEN',
    );
  });

  it('a simultaneous refresh gives no token with the former roles', async () => {
    const session = await user();
    await setRoles(session, ['approver']);
    let { refreshToken } = session;
    for (let round = 0; round < 5; round += 1) {
      const roles = [round % 2 === 0 ? 'user' : 'approver'];
      const [answer] = await Promise.all([host.api().refresh(refreshToken), setRoles(session, roles)]);
      expect(answer.status).toBe(200);
      refreshToken = answer.json.refreshToken;
      const me = await host.api().send('GET', '/orders', { token: answer.json.accessToken });
      if (me.status === 200) expect(me.json.user.roles).toEqual(roles);
      else expectError(me, 401, 'ACCESS_TOKEN_REVOKED');
    }
  });

  it('claims that changed elsewhere: the host requests new access tokens', async () => {
    const session = await user();
    const other = await user();
    const auth = host.app.get(AuthService);
    expect(await auth.renewAccessTokens(session.userId)).toBe(true);
    expect(await auth.renewAccessTokens('0'.repeat(24))).toBe(false);
    expectError(await host.api().me(session.accessToken), 401, 'ACCESS_TOKEN_REVOKED');
    expect((await host.api().me(other.accessToken)).status).toBe(200);
    const refreshed = await host.api().refresh(session.refreshToken);
    expect((await host.api().me(refreshed.json.accessToken)).status).toBe(200);
  });

  it.each([
    ['no list', 'admin'],
    ['a list of something else', [1]],
    ['an operator', [{ $gt: '' }]],
    ['an empty role', ['']],
    ['a role too long', ['x'.repeat(65)]],
    ['a role with invisible characters', ['admin\u200b']],
    ['one role twice', ['a', 'a']],
    ['too many', Array.from({ length: 51 }, (_, index) => `role-${index}`)],
  ])('refuses %s', async (_what, roles) => {
    expectInvalidField(await setRoles(await user(), roles), 'roles');
  });

  it('the maximum number of roles makes a token that works', async () => {
    const session = await user();
    const roles = Array.from({ length: 50 }, (_, index) => `${'r'.repeat(62)}${10 + index}`);
    expect((await setRoles(session, roles)).status).toBe(200);
    const { accessToken } = (await host.api().refresh(session.refreshToken)).json;
    expect((await host.api().me(accessToken)).json.roles).toEqual(roles);
  });

  it('nobody changes their own roles, and the last administrator stays one', async () => {
    expectError(await setRoles(admin, ['user']), 403, 'FORBIDDEN');
    const [one, two] = [await administrator(), await administrator()];
    const answers = await Promise.all([setRoles(one, ['user'], two), setRoles(two, ['user'], one)]);
    expect(answers.map(({ status }) => status).every((status) => [200, 401].includes(status))).toBe(true);
    const users = host.app.get(UsersService);
    expect((await users.list({ role: 'admin', disabled: false, limit: 5 })).users).not.toEqual([]);
    expectError(await send('PUT', `/${'0'.repeat(24)}/roles`, { roles: [] }), 404, 'NOT_FOUND');
    expectError(await setRoles(admin, [], await user()), 403, 'FORBIDDEN');
  });

  it.each<[string, (victim: Session, by: Session) => Promise<Answer>]>([
    ['delete each other', (victim, by) => send('DELETE', `/${victim.userId}`, undefined, by)],
    ['disable each other', (victim, by) => send('POST', `/${victim.userId}/disable`, undefined, by)],
    [
      'delete themselves',
      (_victim, { accessToken: token }) => {
        const body = { currentPassword: PASSWORD };
        const headers = { 'content-length': String(JSON.stringify(body).length) };
        return host.api().send('DELETE', '/auth/me', { token, body, headers });
      },
    ],
  ])('the last two administrators who %s at the same time are not both gone', async (_what, act) => {
    const users = host.connection.collection('users');
    for (let round = 0; round < 4; round += 1) {
      await users.updateMany({ roles: 'admin' }, { $set: { roles: ['user'] } });
      const [one, two] = [await administrator(), await administrator()];
      const answers = await Promise.all([act(one, two), act(two, one)]);
      for (const answer of answers) if (answer.status !== 204) expect([401, 403]).toContain(answer.status);
      expect(await users.countDocuments({ roles: 'admin', disabledAt: null })).toBeGreaterThan(0);
    }
    await users.updateMany({ disabledAt: { $ne: null } }, { $set: { disabledAt: null } });
    admin = await administrator();
  });

  it('an unreadable document makes no page shorter, and hides nobody', async () => {
    const mark = `odd-${adapter}`;
    await user(`${mark}-a@example.com`);
    const odd = [0, 1, 2, 3].map((index) => ({
      email: `${mark}-b${index}@example.com`,
      roles: 7,
      tokenVersion: 'v',
    }));
    await host.connection.collection('users').insertMany(odd);
    await user(`${mark}-c@example.com`);
    const names = async (query: string) => {
      const { items, nextCursor } = (await send('GET', query)).json;
      return [items.map(({ email }: { email: string }) => email), nextCursor !== undefined];
    };
    expect(await names(`?email=${mark}&limit=2`)).toEqual([
      [`${mark}-a@example.com`, `${mark}-c@example.com`],
      false,
    ]);
    expect(await names(`?email=${mark}&limit=1`)).toEqual([[`${mark}-a@example.com`], true]);
    expect((await names('?limit=2'))[0]).toHaveLength(2);
  });

  it('lists by address, role and state, page by page, and shows nothing that is secret', async () => {
    const mark = `list-${adapter}`;
    const made: Session[] = [];
    for (const name of ['c', 'a', 'b']) made.push(await user(`${mark}-${name}@example.com`));
    await setRoles(made[0] as Session, ['special']);
    await send('POST', `/${made[1]?.userId}/disable`);
    const emails = ({ json }: { json: { items: { email: string }[] } }) =>
      json.items.map(({ email }) => email);
    const first = await send('GET', `?email=${mark.toUpperCase()}&limit=2`);
    expect(emails(first)).toEqual([`${mark}-a@example.com`, `${mark}-b@example.com`]);
    const second = await send('GET', `?email=${mark}&limit=2&cursor=${first.json.nextCursor}`);
    expect(emails(second)).toEqual([`${mark}-c@example.com`]);
    expect(second.json).not.toHaveProperty('nextCursor');
    expect(emails(await send('GET', '?role=special'))).toEqual([`${mark}-c@example.com`]);
    expect(emails(await send('GET', '?disabled=true'))).toEqual([`${mark}-a@example.com`]);
    const newest = await send('GET', '?limit=1');
    expect(emails(newest)).toEqual([`${mark}-b@example.com`]);
    expect(emails(await send('GET', `?limit=1&cursor=${newest.json.nextCursor}`))).toEqual([
      `${mark}-a@example.com`,
    ]);
    expectInvalidField(await send('GET', '?cursor=%21'), 'cursor');
    expectInvalidField(await send('GET', '?limit=0'), 'limit');
    const one = await send('GET', `/${made[0]?.userId}`);
    expect(one.json).toEqual({
      id: made[0]?.userId,
      email: `${mark}-c@example.com`,
      roles: ['special'],
      createdAt: expect.any(String),
      emailVerifiedAt: null,
      disabledAt: null,
      hasPassword: true,
    });
    expect(first.text).not.toMatch(/hash|version/i);
    expectError(await send('GET', '/nobody'), 404, 'NOT_FOUND');
  });

  it('unlocks a user who was locked after too many wrong passwords', async () => {
    const session = await user();
    const login = (password: string) => host.api().login({ email: session.email, password });
    for (let tries = 0; tries < 10; tries += 1) await login('wrong');
    expectError(await login(PASSWORD), 429, 'TOO_MANY_ATTEMPTS');
    expect((await send('POST', `/${session.userId}/unlock`)).status).toBe(204);
    expect((await login(PASSWORD)).status).toBe(200);
  });

  it('deletes a user: only the row of the deletion is left', async () => {
    const session = await user();
    await host.api().refresh(session.refreshToken);
    await host.app.get(AuditService).flush();
    expect((await send('DELETE', `/${session.userId}`)).status).toBe(204);
    expectError(await host.api().me(session.accessToken), 401, 'ACCESS_TOKEN_REVOKED');
    expectError(await send('GET', `/${session.userId}`), 404, 'NOT_FOUND');
    await host.app.get(AuditService).flush();
    const found: string[] = [];
    for (const { name } of (await host.connection.db?.listCollections().toArray()) ?? [])
      for (const row of await host.connection.collection(name).find().toArray()) {
        const text = JSON.stringify(row);
        if (text.includes(session.userId) || text.includes(session.email))
          found.push(`${name} ${String(row['type'])}`);
      }
    expect(found.filter((line) => !line.startsWith('revocations'))).toEqual(['security_events user.deleted']);
    expect((await host.app.get(AuditService).summary(new Date(0), new Date())).counts).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: 'user.deleted' })]),
    );
    expectError(await send('DELETE', `/${session.userId}`), 404, 'NOT_FOUND');
    expectError(await send('DELETE', `/${admin.userId}`), 403, 'FORBIDDEN');
  });

  it('users delete their own account, by their password', async () => {
    const session = await user();
    const remove = (currentPassword: string) => {
      const body = { currentPassword };
      // Node sends the body of a DELETE without its length unless it is set.
      const headers = { 'content-length': String(Buffer.byteLength(JSON.stringify(body))) };
      return host.api().send('DELETE', '/auth/me', { token: session.accessToken, body, headers });
    };
    expectError(await remove('wrong'), 401, 'INVALID_CREDENTIALS');
    expect((await remove(PASSWORD)).status).toBe(204);
    expectError(await host.api().me(session.accessToken), 401, 'ACCESS_TOKEN_REVOKED');
    const gone = await host.api().refresh(session.refreshToken);
    expect([gone.status, gone.json.code]).toEqual([401, 'REFRESH_TOKEN_UNKNOWN']);
    expect(await host.app.get(UsersService).findByEmail(session.email)).toBeNull();
  });

  it('users without a password need only a recent authentication to delete their account, others also the password', async () => {
    const [bare, owner] = [await user(), await user()];
    const filter = { _id: new Types.ObjectId(bare.userId) };
    await host.connection.collection('users').updateOne(filter, { $set: { passwordHash: null } });
    const remove = (token: string) => host.api().send('DELETE', '/auth/me', { token });
    const change = (token: string) =>
      host.api().post('/auth/change-email', { email: uniqueEmail() }, { token });
    const stale = ({ accessToken }: Session) =>
      resign(accessToken, ACCESS_SECRET, { claims: { auth_time: Math.floor(Date.now() / 1000) - 301 } });
    const byAdmin = ({ accessToken }: Session) =>
      resign(accessToken, ACCESS_SECRET, { claims: { act: { sub: admin.userId } } });
    for (const act of [change, remove]) {
      expectInvalidField(await act(owner.accessToken), 'currentPassword');
      for (const session of [owner, bare]) {
        expectError(await act(stale(session)), 401, 'REAUTHENTICATION_REQUIRED');
        expectError(await act(byAdmin(session)), 403, 'FORBIDDEN');
      }
    }
    expect((await change(bare.accessToken)).status).toBe(202);
    expect((await remove(bare.accessToken)).status).toBe(204);
    expect(await host.app.get(UsersService).findById(bare.userId)).toBeNull();
    expect(await host.app.get(UsersService).findById(owner.userId)).not.toBeNull();
  });

  it('an address changes by a link to the new one, and the old one is notified', async () => {
    const [session, other] = [await user(), await user()];
    const change = (email: string, currentPassword = PASSWORD) =>
      host.api().post('/auth/change-email', { email, currentPassword }, { token: session.accessToken });
    expectError(await change('new@example.com', 'wrong'), 401, 'INVALID_CREDENTIALS');
    expectInvalidField(await change('nonsense'), 'email');
    const fresh = uniqueEmail();
    const [free, taken] = [await change(fresh), await change(other.email)];
    expect([free.status, free.text]).toEqual([taken.status, taken.text]);
    expect(free.status).toBe(202);
    expect(await mailTo(other.email, 'email_change')).toEqual([]);
    expect(await mailTo(other.email, 'email_taken')).toHaveLength(1);
    expect(await mailTo(session.email, 'email_change_requested')).not.toEqual([]);
    const [mail] = await mailTo(fresh, 'email_change');
    const token = mail && 'token' in mail ? mail.token : '';
    expect((await host.api().me(session.accessToken)).json.email).toBe(session.email);
    expect((await host.api().post('/auth/verify-email', { token })).status).toBe(204);
    expect((await host.api().me(session.accessToken)).json.email).toBe(fresh);
    expectError(await host.api().post('/auth/verify-email', { token }), 400, 'ACTION_TOKEN_INVALID');
    await anotherSession(host.api(), fresh);
  });

  it('a link for an address that was taken in between changes nothing', async () => {
    const session = await user();
    const fresh = uniqueEmail();
    const body = { email: fresh, currentPassword: PASSWORD };
    await host.api().post('/auth/change-email', body, { token: session.accessToken });
    const [mail] = await mailTo(fresh, 'email_change');
    await user(fresh);
    const token = mail && 'token' in mail ? mail.token : '';
    expectError(await host.api().post('/auth/verify-email', { token }), 409, 'EMAIL_TAKEN');
    expect((await host.api().me(session.accessToken)).json.email).toBe(session.email);
  });

  it('a damaged link for another address is an invalid link', async () => {
    const links = host.connection.collection('action_tokens');
    for (const binding of ['nonsense', '{}', 'null', '[]', '[1]', '["a","b",{"$gt":""}]']) {
      const session = await user();
      const fresh = uniqueEmail();
      const body = { email: fresh, currentPassword: PASSWORD };
      await host.api().post('/auth/change-email', body, { token: session.accessToken });
      const [mail] = await mailTo(fresh, 'email_change');
      const token = mail && 'token' in mail ? mail.token : '';
      const damaged = await links.updateOne({ userId: session.userId }, { $set: { binding } });
      expect(damaged.modifiedCount).toBe(1);
      expectError(await host.api().post('/auth/verify-email', { token }), 400, 'ACTION_TOKEN_INVALID');
      expect((await host.api().me(session.accessToken)).json.email).toBe(session.email);
    }
  });

  it('a link is read once, whatever its purpose', async () => {
    const session = await user();
    const fresh = uniqueEmail();
    await host
      .api()
      .post(
        '/auth/change-email',
        { email: fresh, currentPassword: PASSWORD },
        { token: session.accessToken },
      );
    const [mail] = await mailTo(fresh, 'email_change');
    const good = mail && 'token' in mail ? mail.token : '';
    for (const token of ['A'.repeat(43), good]) {
      host.commands.length = 0;
      await host.api().post('/auth/verify-email', { token });
      const reads = host.commands.filter(({ command }) => command.find === 'action_tokens');
      expect(reads).toHaveLength(1);
    }
  });

  it('every action is an event with its administrator', async () => {
    const events = host.connection.collection('security_events');
    const acts = ['user.roles_changed', 'user.deleted', 'user.unlocked', 'records.viewed'];
    const found = await eventually(
      async () => {
        await host.app.get(AuditService).flush();
        return new Set((await events.find({ by: admin.userId }).toArray()).map(({ type }) => String(type)));
      },
      (types) => acts.every((type) => types.has(type)),
    );
    expect([...found]).toEqual(expect.arrayContaining(acts));
  });
});
