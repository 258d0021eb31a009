import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Logger, UseGuards } from '@nestjs/common';
import {
  type AccessTokenOptions,
  type AuthenticatedUser,
  AuthService,
  type ClaimsSession,
  CurrentUser,
  JwtAuthGuard,
  RESERVED_CLAIMS,
  type UserRecord,
  UsersService,
  type UserStore,
} from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  expectError,
  newSession,
  PASSWORD,
  refreshed,
  uniqueEmail,
} from '../support/http.js';
import { claimsOf } from '../support/tokens.js';

interface TenantClaims {
  tenantId: string;
}

@Controller('tenant')
class TenantController {
  @Get()
  @UseGuards(JwtAuthGuard)
  tenant(@CurrentUser() user: AuthenticatedUser<TenantClaims>, @CurrentUser('claims') claims: TenantClaims) {
    return { tenantId: user.claims.tenantId, isFrozen: Object.isFrozen(user.claims), claims };
  }
}

type Make = NonNullable<AccessTokenOptions['claims']>;
const TENANT: Make = ({ email }) => ({
  tenantId: `t-${email.length}`,
  plan: { seats: 3, until: new Date(0) },
});
const SEEN_PLAN = { seats: 3, until: '1970-01-01T00:00:00.000Z' };

describe.each(ADAPTERS)('claims of a host, on %s', (adapter) => {
  let host: HostApp;
  let make: Make;
  const logged: string[] = [];

  beforeAll(async () => {
    const claims: Make = (user, session) => make(user, session);
    host = await HostApp.start(adapter, { accessToken: { claims } }, { controllers: [TenantController] });
    jest.spyOn(Logger.prototype, 'error').mockImplementation((line) => void logged.push(String(line)));
  });
  beforeEach(() => {
    make = TENANT;
    logged.length = 0;
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await host.stop();
  });

  it('reach the guards, /auth/me and the answer, and follow their user through refreshes', async () => {
    const email = uniqueEmail();
    const session = await newSession(host.api(), { email });
    const claims = { tenantId: `t-${email.length}`, plan: SEEN_PLAN };
    const at = async (token: string) => (await host.api().send('GET', '/tenant', { token })).json;
    expect(await at(session.accessToken)).toEqual({ tenantId: claims.tenantId, isFrozen: true, claims });
    expect((await host.api().me(session.accessToken)).json).toMatchObject({ email, claims });
    expect(claimsOf(session.accessToken)).toMatchObject(claims);

    make = () => ({ tenantId: 'moved' });
    const answer = await host.api().refresh(session.refreshToken);
    expect(answer.json.user.claims).toEqual({ tenantId: 'moved' });
    expect((await at(answer.json.accessToken)).claims).toEqual({ tenantId: 'moved' });
    // An earlier token keeps its claims.
    expect((await at(session.accessToken)).tenantId).toBe(claims.tenantId);
  });

  it('are computed from the user and the session, without secrets', async () => {
    const calls: [UserRecord, ClaimsSession][] = [];
    make = async (user, session) => {
      calls.push([user, session]);
      return {};
    };
    const session = await newSession(host.api(), { deviceName: 'Phone', appId: 'shop' });
    const next = await refreshed(host.api(), session);
    const known = {
      id: session.id,
      createdAt: expect.any(Date),
      authTime: expect.any(Date),
      amr: ['pwd'],
      transport: 'body',
      appId: 'shop',
      deviceId: null,
      deviceName: 'Phone',
    };
    expect(calls.map(([, seen]) => seen)).toEqual([known, known]);
    expect(calls[0]?.[0]).toMatchObject({ id: session.userId, email: session.email });
    expect((await host.api().me(next.accessToken)).json).not.toHaveProperty('claims');
  });

  const circular: { self?: unknown } = {};
  circular.self = circular;
  const FAILING: [string, Make, RegExp][] = [
    ['throws', () => fail('no tenant'), /accessToken\.claims failed: Error: no tenant/],
    ['rejects', async () => fail('no tenant'), /accessToken\.claims failed: Error: no tenant/],
    ['returns nothing', () => undefined as never, /accessToken\.claims returned undefined/],
    ['returns null', () => null as never, /accessToken\.claims returned null/],
    ['returns a list', () => ['a'], /accessToken\.claims returned a list/],
    ['returns text', () => 'a' as never, /accessToken\.claims returned a string/],
    ['returns a date', () => new Date(), /accessToken\.claims returned a string/],
    ['returns a BigInt', () => ({ big: 1n }), /accessToken\.claims returned what JSON cannot say/],
    ['returns a circle', () => circular, /accessToken\.claims returned what JSON cannot say/],
    ['returns too much', () => ({ all: 'x'.repeat(9000) }), /accessToken\.claims 90\d\d; give fewer/],
    ['takes a name', () => ({ sub: 'admin', roles: ['admin'] }), /give sub, roles other names/],
    ['shows a hash', (user) => user, /accessToken\.claims returned reserved names.*passwordHash/],
  ];

  it.each(FAILING)(
    'a function that %s: no session at login, none lost at refresh',
    async (_, broken, reason) => {
      const session = await newSession(host.api());
      make = broken;
      const { email } = session;
      const login = await host.api().login({ email, password: PASSWORD, transport: 'body' });
      expectError(login, 500, 'INTERNAL');
      expect(logged.join()).toMatch(reason);
      for (let tries = 0; tries < 3; tries += 1)
        expectError(await host.api().refresh(session.refreshToken), 500, 'INTERNAL');
      expect(await host.app.get(AuthService).sessions(session.userId)).toHaveLength(1);

      make = TENANT;
      const { json } = await host.api().refresh(session.refreshToken);
      expect(json.session).toMatchObject({ id: session.id, generation: 1 });
    },
  );

  it('a function that hangs is not waited for', async () => {
    const session = await newSession(host.api());
    make = () => new Promise(() => undefined);
    expectError(await host.api().refresh(session.refreshToken), 500, 'INTERNAL');
    expect(logged.join()).toContain('no answer within 3000 ms');
    make = TENANT;
    expect((await host.api().refresh(session.refreshToken)).json.session.generation).toBe(1);
  });

  it('a password is not changed if the claims fail', async () => {
    const session = await newSession(host.api());
    make = () => fail('no tenant');
    const passwords = { currentPassword: PASSWORD, newPassword: 'eight-Otters-cross-the-river' };
    const call = { token: session.accessToken };
    expectError(await host.api().post('/auth/change-password', passwords, call), 500, 'INTERNAL');
    make = TENANT;
    await anotherSession(host.api(), session.email);
    expect((await host.api().refresh(session.refreshToken)).status).toBe(200);
  });

  it.each([...RESERVED_CLAIMS].filter((name) => name !== '__proto__'))('%s is reserved', async (name) => {
    make = () => ({ [name]: 'x' });
    const { id } = await host.app.get(UsersService).register({ email: uniqueEmail(), password: PASSWORD });
    const opened = host.app.get(AuthService).openSession(id, null, { amr: ['otp'] });
    await expect(opened).rejects.toMatchObject({ detail: expect.stringContaining(name) });
  });
});

describe('never issues a token that the guards would refuse', () => {
  let host: HostApp | null = null;
  const logged: string[] = [];
  beforeEach(() => {
    logged.length = 0;
    jest.spyOn(Logger.prototype, 'error').mockImplementation((line) => void logged.push(String(line)));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await host?.stop();
    host = null;
  });

  it('too many roles: the login is refused, and the log says what to do', async () => {
    host = await HostApp.start('express');
    const roles = (count: number) =>
      Array.from({ length: count }, (_, index) => `tenant:${index}:`.padEnd(26, 'x'));
    const withRoles = async (count: number) => {
      const email = uniqueEmail();
      await host?.app.get(UsersService).register({ email, password: PASSWORD });
      // As another program may have written it.
      await host?.connection.collection('users').updateOne({ email }, { $set: { roles: roles(count) } });
      return host?.api().login({ email, password: PASSWORD, transport: 'body' });
    };
    const fits = await withRoles(150);
    expect((await host.api().me(fits?.json.accessToken)).status).toBe(200);
    expectError((await withRoles(200))!, 500, 'INTERNAL');
    expect(logged.join()).toMatch(/more than 8192: 200 roles take \d+ bytes.*give fewer or shorter ones/);
  });

  it('if roles grow too many within a session, it is not lost: it continues when there are fewer', async () => {
    host = await HostApp.start('express');
    const session = await newSession(host.api());
    const users = host.connection.collection('users');
    const setRoles = (roles: string[]) => users.updateOne({ email: session.email }, { $set: { roles } });
    await setRoles(Array.from({ length: 300 }, () => 'x'.repeat(26)));
    for (let tries = 0; tries < 2; tries += 1)
      expectError(await host.api().refresh(session.refreshToken), 500, 'INTERNAL');
    await setRoles(['user']);
    expect((await host.api().refresh(session.refreshToken)).status).toBe(200);
  });

  const ODD: [string, Partial<Record<keyof UserRecord, unknown>>, RegExp][] = [
    ['no token version', { tokenVersion: undefined }, /tokenVersion must be a random text/],
    ['no roles', { roles: undefined }, /roles must be a list of texts/],
    ['roles that are not texts', { roles: [1] }, /roles must be a list of texts/],
    ['no time of creation', { createdAt: undefined }, /createdAt must be a valid Date/],
    ['a time that is not a date', { createdAt: new Date(NaN) }, /createdAt must be a valid Date/],
    ['a time as text', { createdAt: '2026-01-01' }, /createdAt must be a valid Date/],
    ['no address', { email: undefined }, /email must be a text/],
  ];

  it.each(ODD)('a store of the host’s that gives %s', async (_, odd, reason) => {
    const record = {
      id: 'user-1',
      email: 'ada@example.com',
      roles: ['user'],
      tokenVersion: 'v1',
      disabledAt: null,
    };
    const found = async () => ({ ...record, passwordHash: 'hash', createdAt: new Date(), ...odd });
    const userStore = { findById: found, findByEmail: found } as unknown as UserStore;
    const passwordHasher = { hash: async () => 'hash', verify: async () => true, needsUpgrade: () => false };
    host = await HostApp.start('express', { userStore, password: { hasher: passwordHasher } });
    const login = { email: 'ada@example.com', password: PASSWORD, transport: 'body' };
    expectError(await host.api().login(login), 500, 'INTERNAL');
    expect(logged.join()).toMatch(reason);
    expect(await host.connection.collection('refresh_tokens').countDocuments()).toBe(0);
  });
});

describe('auth_time and amr', () => {
  it.each(ADAPTERS)(
    'are in the token, survive rotations and are not renewed by them, on %s',
    async (adapter) => {
      const host = await HostApp.start(adapter);
      const first = await newSession(host.api());
      const { auth_time: authTime } = claimsOf(first.accessToken) as { auth_time: number };
      expect(claimsOf(first.accessToken)).toMatchObject({ amr: ['pwd'], auth_time: expect.any(Number) });
      const sessions = host.connection.collection('refresh_tokens');
      const earlier = new Date((authTime - 3600) * 1000);
      await sessions.updateMany({}, { $set: { authTime: earlier } });
      let session = first;
      for (let rotations = 0; rotations < 3; rotations += 1) session = await refreshed(host.api(), session);
      expect(claimsOf(session.accessToken)).toMatchObject({ auth_time: authTime - 3600, amr: ['pwd'] });
      const { user } = (await host.api().send('GET', '/orders', { token: session.accessToken })).json;
      expect(user.session).toMatchObject({
        authTime: earlier.toISOString().replace(/\.\d+Z/, '.000Z'),
        amr: ['pwd'],
      });

      // As an instance of version 0.1 wrote it.
      await sessions.updateMany({}, { $unset: { authTime: 1, amr: 1 } });
      const old = await refreshed(host.api(), session);
      expect(claimsOf(old.accessToken)).toMatchObject({ auth_time: expect.any(Number) });
      expect(claimsOf(old.accessToken).auth_time).toBeLessThanOrEqual(authTime + 1);
      expect(claimsOf(old.accessToken)).not.toHaveProperty('amr');
      await host.stop();
    },
  );
});

function fail(why: string): never {
  throw new Error(why);
}
