import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import {
  AuthEventBus,
  type AuthEventName,
  AuthModule,
  type AuthOptions,
  AuthService,
  ConfigurationError,
  JwtAuthGuard,
  RefreshTokenService,
  RevocationService,
  UsersService,
} from '../../src/index.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  expectError,
  newSession,
  PASSWORD,
  refreshed,
  uniqueEmail,
} from '../support/http.js';

const EVENT_NAMES: AuthEventName[] = [
  'user.registered',
  'user.logged_in',
  'login.failed',
  'user.logged_out',
  'refresh_token.rotated',
  'refresh_token.replayed',
  'refresh_token.reuse_detected',
  'session.revoked',
  'password.changed',
];

describe.each(ADAPTERS)('AuthModule in a host application, on %s', (adapter) => {
  let host: HostApp;

  beforeAll(async () => {
    host = await HostApp.start(adapter);
  });
  afterAll(() => host.stop());

  it('@UseGuards(JwtAuthGuard) protects a route and identifies the user', async () => {
    const session = await newSession(host.api());
    const answer = await host.api().send('GET', '/orders', { token: session.accessToken });
    expect(answer.status).toBe(200);
    const of = { id: session.id, generation: 0, authTime: expect.any(String), amr: ['pwd'] };
    expect(answer.json).toEqual({
      user: { id: session.userId, roles: ['user'], session: of, claims: {} },
      session: of,
    });
  });

  it('the guard answers in the same form on routes of the host, too', async () => {
    const missing = await host.api().send('GET', '/orders');
    expectError(missing, 401, 'ACCESS_TOKEN_MISSING');
    expect(missing.headers['www-authenticate']).toBe('Bearer');
    const invalid = await host.api().send('GET', '/orders', { token: 'no.such.token' });
    expectError(invalid, 401, 'ACCESS_TOKEN_INVALID');
    expect(invalid.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
  });

  it('RolesGuard requires one of the roles, read from the token', async () => {
    const user = await newSession(host.api());
    expectError(
      await host.api().send('POST', '/orders/approve', { token: user.accessToken }),
      403,
      'FORBIDDEN',
    );
    const email = uniqueEmail();
    await host.app.get(UsersService).register({ email, password: PASSWORD, roles: ['approver'] });
    const approver = await anotherSession(host.api(), email);
    const answer = await host.api().send('POST', '/orders/approve', { token: approver.accessToken });
    expect(answer.json).toEqual({ approved: true });
  });

  it('does not affect the rest of the host: its errors, its routes, its forms', async () => {
    expect((await host.api().send('GET', '/orders/bare')).json).toEqual({ ok: true });
    const broken = await host.api().send('GET', '/orders/broken');
    expect(broken.json).toEqual({ statusCode: 500, message: 'Internal server error' });
    const nowhere = await host.api().send('GET', '/nowhere');
    expect(nowhere.json).toMatchObject({ statusCode: 404, error: 'Not Found' });
    expect(nowhere.json.code).toBeUndefined();
  });

  it('a login form of another site is refused, though the host parses forms', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await host
      .api()
      .send('POST', '/auth/login', { raw: 'email=a%40b.example&password=x', headers });
    expectError(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  it('a refresh sends two commands, a guarded request none', async () => {
    const session = await newSession(host.api());
    await host.api().send('GET', '/orders', { token: session.accessToken });
    // The first use of a generation is recorded in the background; wait until that is done.
    await host.commandsSettled();
    host.commands.length = 0;
    await host.api().send('GET', '/orders', { token: session.accessToken });
    expect(host.requestCommands()).toEqual([]);

    host.commands.length = 0;
    await refreshed(host.api(), session);
    const sent = host.requestCommands();
    expect(sent.map(({ commandName }) => commandName).sort()).toEqual(['find', 'findAndModify']);
  });

  it('a login sends three commands at most', async () => {
    const { email } = await newSession(host.api());
    host.commands.length = 0;
    await anotherSession(host.api(), email);
    const sent = host.requestCommands();
    expect(sent.map(({ commandName }) => commandName)).toEqual(['find', 'insert', 'find']);
  });

  it('neither the database nor an event ever holds a token, a secret or a password', async () => {
    const events: unknown[] = [];
    const bus = host.app.get(AuthEventBus);
    const off = EVENT_NAMES.map((name) => bus.on(name, (payload) => events.push({ name, payload })));
    const password = `uncommon ${uniqueEmail()}`;
    const first = await newSession(host.api(), { password });
    const second = await refreshed(host.api(), first);
    await refreshed(host.api(), first);
    await host.api().login({ email: first.email, password: 'wrong password' });
    await host
      .api()
      .post(
        '/auth/change-password',
        { currentPassword: password, newPassword: `${password}!` },
        { token: second.accessToken },
      );
    off.forEach((end) => end());

    const collections = await host.connection.db?.listCollections().toArray();
    const rows = await Promise.all(
      (collections ?? []).map(({ name }) => host.connection.collection(name).find().toArray()),
    );
    const everything = JSON.stringify([rows, events]);
    expect(events.length).toBeGreaterThan(4);
    expect(everything).toContain(first.userId);
    for (const { accessToken, refreshToken } of [first, second])
      for (const part of [accessToken, refreshToken].flatMap((token) => [token, token.split('.')[2] ?? '']))
        expect(everything.includes(part)).toBe(false);
    const claims = JSON.parse(Buffer.from(second.refreshToken.split('.')[1] ?? '', 'base64url').toString());
    expect(everything.includes(claims.sec)).toBe(false);
    expect(everything.includes(password)).toBe(false);
  });

  it('disabling a user ends their sessions, and a login with the right password gets the reason', async () => {
    const session = await newSession(host.api());
    const auth = host.app.get(AuthService);
    expect(await auth.disableUser(session.userId)).toBe(true);
    expectError(await host.api().me(session.accessToken), 401, 'ACCESS_TOKEN_REVOKED');
    expectError(await host.api().refresh(session.refreshToken), 401, 'SESSION_REVOKED');
    const credentials = { email: session.email, password: PASSWORD };
    expectError(await host.api().login(credentials), 403, 'ACCOUNT_DISABLED');
    expectError(
      await host.api().login({ ...credentials, password: 'wrong password' }),
      401,
      'INVALID_CREDENTIALS',
    );
    expect(await auth.enableUser(session.userId)).toBe(true);
    expect((await host.api().login(credentials)).status).toBe(200);
    expect(await auth.disableUser('no such user')).toBe(false);
  });
});

describe('AuthModule.forRoot', () => {
  let host: HostApp | undefined;
  afterEach(async () => {
    await host?.stop();
    host = undefined;
  });

  it('globalGuard protects every route that is not public, except those of the module', async () => {
    host = await HostApp.start('express', { globalGuard: true });
    expectError(await host.api().send('GET', '/orders/bare'), 401, 'ACCESS_TOKEN_MISSING');
    expect((await host.api().send('GET', '/orders/public')).json).toEqual({ user: null });
    const session = await newSession(host.api());
    expect((await host.api().send('GET', '/orders/bare', { token: session.accessToken })).status).toBe(200);
    expect((await host.api().send('GET', '/.well-known/jwks.json')).json).toEqual({ keys: [] });
  });

  it('routePrefix moves the routes; controllers leaves them out', async () => {
    host = await HostApp.start('fastify', { routePrefix: 'api/session', controllers: { jwks: false } });
    const answer = await host
      .api()
      .post('/api/session/register', { email: uniqueEmail(), password: PASSWORD });
    expect(answer.status).toBe(201);
    expect((await host.api().send('GET', '/.well-known/jwks.json')).status).toBe(404);
    expect((await host.api().post('/auth/login', {})).status).toBe(404);
  });

  it('two applications in one process keep their keys apart', async () => {
    host = await HostApp.start('express');
    const other = await HostApp.start('express');
    try {
      const mine = await newSession(host.api());
      const theirs = await newSession(other.api());
      expect((await host.api().me(mine.accessToken)).status).toBe(200);
      expect((await other.api().me(theirs.accessToken)).status).toBe(200);
      expectError(await other.api().me(mine.accessToken), 401, 'ACCESS_TOKEN_INVALID');
    } finally {
      await other.stop();
    }
  });

  it('asymmetric keys: the public halves are published, and an old key still verifies after a rotation', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const jwk = (namedCurve: string) =>
      generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'jwk' });
    const [older, newer] = [jwk('P-256'), jwk('P-256')];
    const refresh = authOptions().keys.refresh;
    const options = { issuer: 'https://issuer.example.com', password: { bcryptCost: 4 } };
    host = await HostApp.start('express', { ...options, keys: { access: [newer, older], refresh } });
    const answer = await host.api().send('GET', '/.well-known/jwks.json');
    expect(answer.headers['cache-control']).toContain('max-age=300');
    expect(answer.json.keys).toHaveLength(2);
    for (const key of answer.json.keys) {
      expect(key).toMatchObject({
        kty: 'EC',
        crv: 'P-256',
        alg: 'ES256',
        use: 'sig',
        kid: expect.any(String),
      });
      expect(key.d).toBeUndefined();
    }
    const { createLocalJWKSet, jwtVerify } = await import('jose');
    const session = await newSession(host.api());
    const verified = await jwtVerify(session.accessToken, createLocalJWKSet(answer.json), {
      issuer: 'https://issuer.example.com',
      audience: 'https://issuer.example.com',
      typ: 'at+jwt',
    });
    expect(verified.payload.sub).toBe(session.userId);
  });

  it('reports every problem at once, at boot', async () => {
    const options = {
      issuer: 'nowhere',
      keys: { access: ['short'], refresh: [] },
      accessToken: { ttl: 'soon' },
    } as unknown as AuthOptions;
    const start = () => HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] });
    await expect(start()).rejects.toThrow(ConfigurationError);
    await expect(start()).rejects.toThrow(
      /issuer[\s\S]*keys\.access\[0\][\s\S]*keys\.refresh[\s\S]*accessToken\.ttl/,
    );
  });

  it('reports every unknown option: of the module, its controllers, the options and forRootAsync', async () => {
    const misspelt = { globalGard: true, controllers: { auht: false }, accessToken: { tll: '1h' } };
    const options = { ...authOptions(), ...misspelt, issuer: 'nowhere' } as AuthOptions;
    await expect(HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] })).rejects.toThrow(
      /controllers\.auht .*mean auth\?\n.*globalGard = true.*mean globalGuard\?\n.*accessToken\.tll .*mean ttl\?\n.*issuer/,
    );
    const beside = { useFactory: () => ({ ...authOptions(), globalGuard: true }), globalGaurd: true };
    await expect(
      HostApp.startWith('express', { imports: [AuthModule.forRootAsync(beside)] }),
    ).rejects.toThrow(/globalGaurd .*mean globalGuard\?\n.*globalGuard = true/);
  });

  it('knows its own options: every extra of the module is accepted', async () => {
    const extras = {
      isGlobal: true,
      globalGuard: false,
      routePrefix: 'auth',
      controllers: { auth: true, jwks: true },
    };
    const imports = [AuthModule.forRoot({ ...authOptions(), ...extras, connectionName: undefined })];
    host = await HostApp.startWith('express', { imports });
    expect((await host.api().send('GET', '/orders')).status).toBe(401);
  });

  it('answers 503 and keeps the cookie if the database is unreachable; nobody is logged out', async () => {
    const proxy = await DatabaseProxy.open('cut');
    try {
      host = await HostApp.startWith('express', { imports: [AuthModule.forRoot(authOptions())] }, proxy.uri);
      const session = await newSession(host.api(), { transport: 'cookie' });
      const leaving = await newSession(host.api());
      proxy.cut();
      const answers = [
        await host.api().refreshByCookie(session.refreshToken),
        await host.api().login({ email: session.email, password: PASSWORD }),
        await host.api().sessions(session.accessToken),
        await host.api().logout({ token: leaving.accessToken }),
      ];
      for (const answer of answers) {
        expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
        expect(answer.headers['retry-after']).toMatch(/^\d+$/);
        expect(answer.cookies).toEqual([]);
      }
      // The guard continues with its known revocations until they are too old.
      expect((await host.api().send('GET', '/orders', { token: session.accessToken })).status).toBe(200);
      proxy.restore();
      // Wait until the driver has noticed: until then the answer is the same, and ends no session.
      const api = host.api();
      const again = await eventually(
        () => api.refreshByCookie(session.refreshToken),
        ({ status }) => status === 200,
      );
      expect(again.status).toBe(200);
      // The client that got 503 at logout is not half logged out: its access tokens and its session have ended.
      expectError(await host.api().me(leaving.accessToken), 401, 'ACCESS_TOKEN_REVOKED');
      expectError(await host.api().refresh(leaving.refreshToken), 401, 'SESSION_REVOKED');
      // The write that failed then is repeated now, for the other processes.
      const entries = host.connection.collection<{ _id: string }>('revocations');
      const written = await eventually(
        () => entries.findOne({ _id: `sid:${leaving.id}` }),
        (entry) => entry !== null,
      );
      expect(written).not.toBeNull();
    } finally {
      await host?.stop();
      host = undefined;
      await proxy.close();
    }
  });
});

describe('AuthModule.forRootAsync', () => {
  @Injectable()
  class Secrets {
    readonly options = authOptions();
  }

  @Module({ providers: [Secrets], exports: [Secrets] })
  class SecretsModule {}

  @Controller('feature')
  class FeatureController {
    constructor(readonly refreshTokens: RefreshTokenService) {}

    @Get()
    @UseGuards(JwtAuthGuard)
    get() {
      return { ok: true };
    }
  }

  /** A feature module without imports: the auth module is global. */
  @Module({ controllers: [FeatureController] })
  class FeatureModule {}

  @Injectable()
  class Listener {
    readonly heard: string[] = [];

    @OnEvent('user.registered')
    onRegistered({ userId }: { userId: string }) {
      this.heard.push(userId);
    }
  }

  it('takes its options from a factory, serves feature modules, and notifies the host by @OnEvent', async () => {
    const host = await HostApp.startWith('express', {
      imports: [
        EventEmitterModule.forRoot(),
        AuthModule.forRootAsync({
          imports: [SecretsModule],
          inject: [Secrets],
          useFactory: ({ options }: Secrets) => options,
        }),
        FeatureModule,
      ],
      providers: [Listener],
    });
    try {
      const session = await newSession(host.api());
      expect((await host.api().send('GET', '/feature', { token: session.accessToken })).status).toBe(200);
      expectError(await host.api().send('GET', '/feature'), 401, 'ACCESS_TOKEN_MISSING');
      expect(host.app.get(Listener).heard).toEqual([session.userId]);
      expect(host.app.get(RevocationService).stalenessMs).toBeLessThan(30_000);
    } finally {
      await host.stop();
    }
  });
});
