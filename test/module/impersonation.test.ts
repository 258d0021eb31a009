import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AuditService,
  type AuthenticatedUser,
  AuthService,
  ImpersonationService,
  IntrospectionService,
  Tickets,
  UserRemovalService,
  UsersService,
} from '../../src/index.js';
import { actingAs } from '../../src/testing/index.js';
import { GenerationConfirmer } from '../../src/tokens/generation-confirmer.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  type Answer,
  expectError,
  expectInvalidField,
  expectNotStored,
  PASSWORD,
  type Session,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';
import { KeyClient } from '../support/proofs.js';
import { ACCESS_SECRET, REFRESH_SECRET } from '../support/service.js';
import { claimsOf, resign } from '../support/tokens.js';

const REASON = 'ticket 4711: the invoice cannot be opened';
const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
const SOURCE = { ip: '192.0.2.7', userAgent: 'console' };

describe.each(ADAPTERS)('administrators who act for users, on %s', (adapter) => {
  let host: HostApp;
  let admin: Session;
  let user: Session;

  beforeAll(async () => {
    host = await HostApp.start(adapter, {
      keys: { access: [ACCESS_SECRET], refresh: [REFRESH_SECRET] },
      accessToken: { claims: ({ email }) => ({ tenant: email.split('@')[1] }), ttl: '1h' },
      introspectionClients: [{ id: 'gateway', secret: randomBytes(36).toString('base64url') }],
      mailer: { send: async () => undefined },
    });
    [admin, user] = [await registered(['admin']), await registered()];
  });
  afterAll(() => host.stop());

  async function registered(roles = ['user']): Promise<Session> {
    const email = uniqueEmail();
    await host.app.get(UsersService).register({ email, password: PASSWORD, roles });
    return anotherSession(host.api(), email);
  }
  const ask = (who: string, by = admin, body: unknown = { reason: REASON }) =>
    host.api().post(`/auth/admin/users/${who}/impersonate`, body, { token: by.accessToken });
  const acting = async (who = user, by = admin): Promise<string> => {
    const answer = await ask(who.userId, by);
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('accessToken')]);
    return answer.json.accessToken;
  };
  const orders = (token: string) => host.api().send('GET', '/orders', { token });
  const isOver = async (token: string) => expectError(await orders(token), 401, 'ACCESS_TOKEN_REVOKED');

  it('get an access token of the user that names them, and nothing else', async () => {
    const answer = await ask(user.userId);
    expect(answer.status).toBe(200);
    expectNotStored(answer);
    expect(answer.cookies).toEqual([]);
    expect(Object.keys(answer.json).sort()).toEqual([
      'accessToken',
      'expiresIn',
      'session',
      'tokenType',
      'user',
    ]);
    expect(answer.json).toMatchObject({
      tokenType: 'Bearer',
      // Independent of the lifetime of the users' own tokens.
      expiresIn: 900,
      user: { id: user.userId, email: user.email, roles: ['user'], claims: { tenant: 'example.com' } },
      session: { id: admin.id },
    });
    const claims = claimsOf(answer.json.accessToken);
    expect(claims).toMatchObject({ sub: user.userId, act: { sub: admin.userId }, sid: admin.id });
    for (const name of ['auth_time', 'amr']) expect(claims).not.toHaveProperty(name);
    const seen = (await orders(answer.json.accessToken)).json.user;
    expect(seen).toMatchObject({
      id: user.userId,
      roles: ['user'],
      actor: { id: admin.userId },
      claims: { tenant: 'example.com' },
    });
    const profile = (await host.api().me(answer.json.accessToken)).json;
    expect(profile).toMatchObject({ email: user.email, actor: { id: admin.userId } });
    expect((await host.api().me(user.accessToken)).json).not.toHaveProperty('actor');
    expect((await orders(user.accessToken)).json.user).not.toHaveProperty('actor');
  });

  it('the audit log says who acted for which user, when, from where and why', async () => {
    const other = await registered();
    await ask(other.userId, admin, { reason: `  ${REASON}\u202e\u0007  ` });
    const events = host.connection.collection('security_events');
    const row = await eventually(
      async () => {
        await host.app.get(AuditService).flush();
        return events.findOne({ type: 'user.impersonated', userId: other.userId });
      },
      (found) => found !== null,
    );
    expect(row).toMatchObject({ by: admin.userId, evidence: { reason: REASON }, ip: expect.any(String) });
    expect(row).not.toHaveProperty('reason');
  });

  it.each([
    ['none', {}],
    ['an empty one', { reason: '' }],
    ['one of spaces', { reason: '   ' }],
    ['one of invisible characters', { reason: '\u202e\u0007' }],
    ['one too long', { reason: 'x'.repeat(501) }],
    ['an operator', { reason: { $gt: '' } }],
  ])('need a reason, not %s', async (_what, body) => {
    expectInvalidField(await ask(user.userId, admin, body), 'reason');
  });

  it('must have proved recently who they are', async () => {
    const claims = { auth_time: Math.floor(Date.now() / 1000) - 301 };
    const stale = { ...admin, accessToken: resign(admin.accessToken, ACCESS_SECRET, { claims }) };
    expectError(await ask(user.userId, stale), 401, 'REAUTHENTICATION_REQUIRED');
  });

  it('must be administrators, by the token and by the store', async () => {
    expectError(await ask(user.userId, user), 403, 'FORBIDDEN');
    const forged = resign(user.accessToken, ACCESS_SECRET, { claims: { roles: ['admin'] } });
    expectError(await ask(user.userId, { ...user, accessToken: forged }), 403, 'FORBIDDEN');
    expectError(
      await host.api().post(`/auth/admin/users/${user.userId}/impersonate`, {}),
      401,
      'ACCESS_TOKEN_MISSING',
    );
  });

  it('cannot act for an administrator, themselves, or a disabled or unknown user', async () => {
    const [other, disabled] = [await registered(['user', 'admin']), await registered()];
    await host.app.get(AuthService).disableUser(disabled.userId);
    expectError(await ask(other.userId), 403, 'FORBIDDEN');
    expectError(await ask(admin.userId), 403, 'FORBIDDEN');
    expectError(await ask(disabled.userId), 403, 'ACCOUNT_DISABLED');
    for (const id of ['0'.repeat(24), 'nonsense', '%24ne', 'x'.repeat(90)])
      expectError(await ask(id), 404, 'NOT_FOUND');
  });

  it('cannot do what only the user may do', async () => {
    const token = await acting();
    const own = { currentPassword: PASSWORD };
    const refused: (readonly [string, string, object?])[] = [
      ['POST', '/auth/change-password', { ...own, newPassword: NEW_PASSWORD }],
      ['POST', '/auth/change-email', { ...own, email: uniqueEmail() }],
      ['POST', '/auth/reauthenticate', { password: PASSWORD }],
      ['POST', '/auth/logout-all'],
      ['DELETE', '/auth/sessions'],
      ['DELETE', `/auth/sessions/${user.id}`],
      ['DELETE', `/auth/sessions/${admin.id}`],
      ['DELETE', '/auth/me', own],
      ['GET', '/auth/admin/users'],
      ['POST', `/auth/admin/users/${user.userId}/impersonate`, { reason: REASON }],
    ];
    for (const [method, path, body] of refused) {
      const length = Buffer.byteLength(JSON.stringify(body ?? ''));
      const headers: Record<string, string> = body ? { 'content-length': String(length) } : {};
      const answer: Answer = await host.api().send(method, path, { token, body, headers });
      expect([method, path, answer.status, answer.json.code]).toEqual([method, path, 403, 'FORBIDDEN']);
    }
    const auth = host.app.get(AuthService);
    const seen = (await orders(token)).json.user as AuthenticatedUser;
    const passwords = { ...own, newPassword: NEW_PASSWORD };
    for (const attempt of [
      () => auth.changePassword(seen, passwords, SOURCE),
      () => auth.endOtherSessions(seen),
      () => auth.reauthenticate(seen, SOURCE, { amr: ['otp'] }),
      () => host.app.get(ImpersonationService).impersonate(seen, user.userId, REASON, SOURCE),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await host.api().me(user.accessToken)).status).toBe(200);
    expect((await host.api().me(admin.accessToken)).status).toBe(200);
  });

  it('the routes of administrators refuse an actor even with the role admin', async () => {
    const claims = { roles: ['admin'] };
    const token = resign(await acting(), ACCESS_SECRET, { claims });
    expectError(await host.api().send('GET', '/auth/admin/users', { token }), 403, 'FORBIDDEN');
  });

  it('a token of theirs is not a refresh token, and a refresh with their cookie returns their own session', async () => {
    const by = await registered(['admin']);
    const token = await acting(user, by);
    expectError(await host.api().refresh(token), 401, 'REFRESH_TOKEN_INVALID');
    const refreshed = await host.api().refresh(by.refreshToken);
    expect(refreshed.json.user.id).toBe(by.userId);
    expect(claimsOf(refreshed.json.accessToken)).not.toHaveProperty('act');
  });

  it('using the token does not prove that their client has its current refresh token', async () => {
    const by = await registered(['admin']);
    const { refreshToken, accessToken } = (await host.api().refresh(by.refreshToken)).json;
    const token = (await ask(user.userId, { ...by, accessToken })).json.accessToken;
    await host.app.get(GenerationConfirmer, { strict: false }).settled();
    const sessions = host.connection.collection('refresh_tokens');
    const filter = { userId: by.userId };
    // As if their own token of this generation had never been used.
    await sessions.updateOne(filter, { $set: { confirmedAt: null } });
    expect(claimsOf(token).gen).toBe(1);
    expect((await orders(token)).status).toBe(200);
    await host.app.get(GenerationConfirmer, { strict: false }).settled();
    expect(await sessions.findOne(filter)).toMatchObject({ confirmedAt: null });
    expect((await host.api().refresh(refreshToken)).status).toBe(200);
  });

  it.each<[string, (acted: Session, by: Session) => Promise<unknown>]>([
    ['they log out', async (_, by) => host.api().logout({ body: { refreshToken: by.refreshToken } })],
    [
      'they log out everywhere',
      async (_, by) => host.api().post('/auth/logout-all', undefined, { token: by.accessToken }),
    ],
    ['they are disabled', async (_, by) => host.app.get(AuthService).disableUser(by.userId)],
    ['they lose the role admin', async (_, by) => host.app.get(AuthService).setRoles(by.userId, ['user'])],
    [
      'the user logs out everywhere',
      async (acted) => host.api().post('/auth/logout-all', undefined, { token: acted.accessToken }),
    ],
    [
      'the user changes the password',
      async (acted) =>
        host
          .api()
          .post(
            '/auth/change-password',
            { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
            { token: acted.accessToken },
          ),
    ],
    ['the user is disabled', async (acted) => host.app.get(AuthService).disableUser(acted.userId)],
    [
      'the user becomes an administrator',
      async (acted) => host.app.get(AuthService).setRoles(acted.userId, ['admin']),
    ],
    ['the user is deleted', async (acted) => host.app.get(UserRemovalService).remove(acted.userId)],
  ])('it ends when %s', async (_when, end) => {
    const [acted, by] = [await registered(), await registered(['admin'])];
    const token = await acting(acted, by);
    expect((await orders(token)).status).toBe(200);
    await end(acted, by);
    await isOver(token);
  });

  it('a second change of their roles ends it too', async () => {
    const by = await registered(['admin']);
    await host.app.get(AuthService).setRoles(by.userId, ['admin', 'editor']);
    const { accessToken } = (await host.api().refresh(by.refreshToken)).json;
    const token = (await ask(user.userId, { ...by, accessToken })).json.accessToken;
    expect((await orders(token)).status).toBe(200);
    await host.app.get(AuthService).setRoles(by.userId, ['user']);
    await isOver(token);
  });

  it('an administrator demoted just now gets none, even if their token still has the role', async () => {
    const by = await registered(['admin']);
    const seen = (await orders(by.accessToken)).json.user as AuthenticatedUser;
    await host.app.get(AuthService).setRoles(by.userId, ['user']);
    const attempt = host.app.get(ImpersonationService).impersonate(seen, user.userId, REASON, SOURCE);
    await expect(attempt).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('a logout with the token ends only the token: neither session ends', async () => {
    const token = await acting();
    expect((await host.api().logout({ token })).status).toBe(204);
    await isOver(token);
    expect((await host.api().me(admin.accessToken)).status).toBe(200);
    expect((await host.api().me(user.accessToken)).status).toBe(200);
    expect((await host.api().sessions(user.accessToken)).json).toHaveLength(1);
  });

  it('a ticket keeps the actor', async () => {
    const { ticket } = (await host.api().post('/auth/ticket', undefined, { token: await acting() })).json;
    expect(await host.app.get(Tickets).redeem(ticket)).toMatchObject({
      sub: user.userId,
      act: { sub: admin.userId },
    });
  });

  it('introspection of the token shows the actor, and revocation works', async () => {
    const token = await acting();
    const introspection = host.app.get(IntrospectionService);
    expect(await introspection.introspect(token)).toMatchObject({
      active: true,
      sub: user.userId,
      act: { sub: admin.userId },
    });
    await introspection.revoke(token, 'gateway');
    expect(await introspection.introspect(token)).toEqual({ active: false });
    const ofNobody = resign(await acting(), ACCESS_SECRET, { claims: { act: { sub: user.userId } } });
    expect(await introspection.introspect(ofNobody)).toEqual({ active: false });
  });

  it('for a session bound to a key, a copied access token is not enough', async () => {
    const email = uniqueEmail();
    await host.app.get(UsersService).register({ email, password: PASSWORD, roles: ['admin'] });
    const client = await KeyClient.create(host.api(), 'https://issuer.example.com');
    const by = sessionOf(await client.post('/auth/login', { email, password: PASSWORD, transport: 'body' }));
    expectError(await ask(user.userId, by), 401, 'PROOF_REQUIRED');
    const path = `/auth/admin/users/${user.userId}/impersonate`;
    const answer = await client.post(path, { reason: REASON }, { token: by.accessToken });
    expect(answer.status).toBe(200);
    expect(answer.json).not.toHaveProperty('refreshToken');
  });

  it("can be set as the user of a host's test", async () => {
    const { authorization } = await actingAs({ actor: { id: 'root' } }).headers(host.app);
    expect(claimsOf(authorization.slice('Bearer '.length))).toMatchObject({ act: { sub: 'root' } });
  });
});
