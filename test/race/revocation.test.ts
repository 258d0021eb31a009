import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClient } from 'redis';
import {
  AuthModule,
  type AuthOptions,
  AuthService,
  RedisRevocationStore,
  RevocationService,
} from '../../src/index.js';
import { databaseUri } from '../support/database.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { eventually } from '../support/eventually.js';
import { authOptions, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  type Answer,
  type Api,
  expectAccessRevoked,
  expectError,
  expectGuardRefusal,
  expectNoContent,
  newSession,
  PASSWORD,
  refreshed,
  sessionOf,
} from '../support/http.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';
import { ACCESS_SECRET, AUDIENCE, ISSUER, REFRESH_SECRET, Service } from '../support/service.js';

const withRedis = hasRedis ? describe : describe.skip;
const MAX_STALENESS_MS = 2_000;
const RECOVERS_WITHIN_MS = 60_000;

async function until(isSo: () => Promise<boolean>, withinMs = RECOVERS_WITHIN_MS): Promise<void> {
  const from = performance.now();
  while (!(await isSo())) {
    if (performance.now() - from > withinMs) throw new Error(`still not true after ${withinMs} ms`);
    await delay(20);
  }
}

/** Two hosts with the same keys, so each accepts the other's tokens. */
async function twoHosts(over: Partial<AuthOptions>, uri = databaseUri('two')): Promise<[HostApp, HostApp]> {
  const options = authOptions(over);
  const start = (): Promise<HostApp> =>
    HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] }, uri);
  return [await start(), await start()];
}

const orders = (api: Api, token: string): Promise<Answer> => api.send('GET', '/orders', { token });

describe.each([
  ['a change stream', {}, 'change stream'],
  ['Redis', { REVOCATION_STORE: 'redis' }, 'Redis pub/sub'],
] as const)('two processes that share revocations by %s', (name, settings, described) => {
  const available = name !== 'Redis' || hasRedis;
  (available ? describe : describe.skip)('each in the other process', () => {
    let redis: RedisServer | undefined;
    let services: Service[] = [];
    let apis: [Api, Api];

    beforeAll(async () => {
      if (name === 'Redis') redis = await RedisServer.start();
      const environment = { MONGODB_URI: databaseUri('feed'), ...settings, REDIS_URL: redis?.url };
      services = await Promise.all([Service.start(environment), Service.start(environment)]);
      apis = services.map((service) => service.api()) as [Api, Api];
    });
    afterAll(async () => {
      await Promise.all(services.map((service) => service.dispose()));
      await redis?.dispose();
    });

    it('each reports how it follows revocations', async () => {
      for (const service of services) {
        const output = await eventually(
          async () => service.output,
          (text) => text.includes('pushed by'),
        );
        expect(output).toContain(`pushed by ${described}`);
      }
    });

    it.each([
      ['there', 0, 1],
      ['back', 1, 0],
    ])('a logout ends the access token, %s', async (_, from, to) => {
      for (let round = 0; round < 3; round += 1) {
        const session = await newSession(apis[from] as Api);
        expect((await (apis[to] as Api).me(session.accessToken)).status).toBe(200);
        expectNoContent(await (apis[from] as Api).logout({ token: session.accessToken }));
        await expectAccessRevoked(apis[to] as Api, session.accessToken);
      }
    });

    it('both are ready, and stop in time with an open watch or connection', async () => {
      const health = await apis[0].send('GET', '/health/ready');
      expect(health.json.details).toMatchObject({ mongodb: { status: 'up' }, revocations: { status: 'up' } });
      expect(await Promise.all(services.map((service) => service.stop()))).toEqual([0, 0]);
    });
  });
});

/** Checks a host whose store becomes unreachable and comes back. */
async function outlives(
  host: HostApp,
  outage: { begin: () => Promise<void>; end: () => Promise<void> },
): Promise<void> {
  const api = host.api();
  const live = await newSession(api);
  const left = await newSession(api);
  expect((await orders(api, live.accessToken)).status).toBe(200);
  expectNoContent(await api.logout({ token: left.accessToken }));
  await outage.begin();
  // At first only known tokens pass and revoked ones are refused; later no token is accepted.
  await until(async () => {
    expect((await orders(api, left.accessToken)).status).not.toBe(200);
    const answer = await orders(api, live.accessToken);
    if (answer.status === 200) return false;
    expect(host.app.get(RevocationService).stalenessMs).toBeGreaterThan(MAX_STALENESS_MS);
    expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
    expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    return true;
  });
  expect(host.app.get(RevocationService).isInTouch).toBe(false);
  // A revocation that is already known needs no store.
  expectGuardRefusal(await orders(api, left.accessToken), 'ACCESS_TOKEN_REVOKED');
  await outage.end();
  await until(async () => (await orders(api, live.accessToken)).status === 200);
  expect(host.app.get(RevocationService).isInTouch).toBe(true);
}

describe('a store that becomes unreachable', () => {
  const revocation = { maxStaleness: MAX_STALENESS_MS / 1000, pollInterval: '100ms' } as const;

  it('MongoDB: 503 with Retry-After after maxStaleness, and recovery without a restart', async () => {
    const proxy = await DatabaseProxy.open('stale');
    const host = await HostApp.startWith(
      'express',
      { imports: [AuthModule.forRoot(authOptions({ revocation }))] },
      proxy.uri,
    );
    try {
      const left = await newSession(host.api());
      expectNoContent(await host.api().logout({ token: left.accessToken }));
      await outlives(host, { begin: async () => proxy.cut(), end: async () => proxy.restore() });
      expectGuardRefusal(await orders(host.api(), left.accessToken), 'ACCESS_TOKEN_REVOKED');
      // Revocations are pushed again.
      const session = await newSession(host.api());
      expectNoContent(await host.api().logout({ token: session.accessToken }));
    } finally {
      await host.stop();
      await proxy.close();
    }
  });

  withRedis('Redis', () => {
    it.each(['stopped', 'frozen'])(
      '%s: 503 with Retry-After after maxStaleness, and recovery without a restart',
      async (how) => {
        const redis = await RedisServer.start();
        const client = createClient({ url: redis.url });
        client.on('error', () => undefined);
        await client.connect();
        const store = new RedisRevocationStore({ client });
        const host = await HostApp.start('express', { revocation: { ...revocation, store } });
        try {
          await outlives(
            host,
            how === 'stopped'
              ? { begin: () => redis.stop(), end: () => redis.launch() }
              : { begin: async () => redis.freeze(), end: async () => redis.thaw() },
          );
          // Revocations arrive again, also from another process.
          const session = await newSession(host.api());
          const expiresAt = new Date(Date.now() + 60_000);
          await until(async () =>
            store.add([{ key: `sid:${session.id}`, expiresAt }], new Date()).then(
              () => true,
              () => false,
            ),
          );
          await until(async () => (await orders(host.api(), session.accessToken)).status === 401);
        } finally {
          await host.stop();
          client.destroy();
          await redis.dispose();
        }
      },
    );
  });
});

describe('modes', () => {
  it('strict: the next request to any process knows what one has revoked; without the store it is 503 at once', async () => {
    const proxy = await DatabaseProxy.open('strict');
    const [one, two] = await twoHosts(
      { revocation: { mode: 'strict', pollInterval: '20s', maxStaleness: '10m' } },
      proxy.uri,
    );
    try {
      for (let round = 0; round < 10; round += 1) {
        const session = await newSession(one.api());
        expect((await orders(two.api(), session.accessToken)).status).toBe(200);
        expectNoContent(await one.api().logout({ token: session.accessToken }));
        expectGuardRefusal(await orders(two.api(), session.accessToken), 'ACCESS_TOKEN_REVOKED');
      }
      const session = await newSession(one.api());
      proxy.cut();
      // The driver's sockets notice the outage one by one.
      const answer = await eventually(
        () => orders(two.api(), session.accessToken),
        ({ status }) => status !== 200,
      );
      expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      proxy.restore();
      await until(async () => (await orders(two.api(), session.accessToken)).status === 200);
    } finally {
      await one.stop();
      await two.stop();
      await proxy.close();
    }
  });

  it('off: access tokens outlive a logout, the session does not, and the store is not used', async () => {
    const host = await HostApp.start('express', { revocation: { mode: 'off' } });
    try {
      const session = await newSession(host.api());
      expectNoContent(await host.api().logout({ token: session.accessToken }));
      expect((await orders(host.api(), session.accessToken)).status).toBe(200);
      expectError(await host.api().refresh(session.refreshToken), 401, 'SESSION_REVOKED');
      const names = (await host.connection.db?.listCollections().toArray())?.map(({ name }) => name);
      expect(names).not.toContain('revocations');
    } finally {
      await host.stop();
    }
  });
});

describe('accessToken.retirePrevious', () => {
  it('a rotation revokes the previous access token in every process, and none of the current generation', async () => {
    const [one, two] = await twoHosts({ accessToken: { retirePrevious: true } });
    try {
      const first = await newSession(one.api());
      expect((await orders(two.api(), first.accessToken)).status).toBe(200);
      const second = await refreshed(one.api(), first);
      // A replay issues another token of the current generation.
      const again = await refreshed(two.api(), first);
      expectGuardRefusal(await orders(one.api(), first.accessToken), 'ACCESS_TOKEN_REVOKED');
      await until(async () => (await orders(two.api(), first.accessToken)).status === 401);
      for (const { accessToken } of [second, again])
        for (const api of [one.api(), two.api()]) expect((await orders(api, accessToken)).status).toBe(200);
    } finally {
      await one.stop();
      await two.stop();
    }
  });
});

describe('token versions in two processes', () => {
  let service: Service;
  let host: HostApp;
  let apis: [Api, Api];

  beforeAll(async () => {
    const uri = databaseUri('versions');
    service = await Service.start({ MONGODB_URI: uri });
    const options = authOptions({
      issuer: ISSUER,
      audience: AUDIENCE,
      keys: { access: [ACCESS_SECRET], refresh: [REFRESH_SECRET] },
    });
    host = await HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] }, uri);
    apis = [service.api(), host.api()];
  });
  afterAll(async () => {
    await service?.dispose();
    await host?.stop();
  });

  it('simultaneous changes lock nobody out: earlier tokens are invalid in both, and new logins stay valid', async () => {
    for (let round = 0; round < 6; round += 1) {
      const sessions = [await newSession(apis[0])];
      const { email, userId, accessToken: token } = sessions[0] as (typeof sessions)[0];
      sessions.push(await anotherSession(apis[1], email));
      const newPassword = `${round}-Herons-over-the-marsh`;
      const change = () =>
        apis[0].post('/auth/change-password', { currentPassword: PASSWORD, newPassword }, { token });
      const leave = (api: Api) => api.send('POST', '/auth/logout-all', { token });
      const disable = async () => {
        await host.app.get(AuthService).disableUser(userId);
        await host.app.get(AuthService).enableUser(userId);
      };
      const changes = [change, () => leave(apis[1]), disable, () => leave(apis[0])];
      await Promise.all(changes.slice(round % 3).map((each) => each()));
      for (const { accessToken } of sessions)
        await Promise.all(apis.map((api) => expectAccessRevoked(api, accessToken)));
      for (const { refreshToken } of sessions)
        expectError(await apis[round % 2]!.refresh(refreshToken), 401, 'SESSION_REVOKED');
      // One of the two passwords is right, and its session is valid in both.
      const logins = await Promise.all(
        [PASSWORD, newPassword].map((password) => apis[1].login({ email, password, transport: 'body' })),
      );
      expect(logins.map(({ status }) => status).sort()).toEqual([200, 401]);
      const fresh = sessionOf(logins.find(({ status }) => status === 200) as Answer);
      for (const api of apis) expect((await api.me(fresh.accessToken)).status).toBe(200);
      expect((await refreshed(apis[0], await refreshed(apis[1], fresh))).id).toBe(fresh.id);
    }
  });

  it('tokens of a disabled or deleted user are invalid in the other process as well', async () => {
    const disabled = await newSession(apis[0]);
    await host.app.get(AuthService).disableUser(disabled.userId);
    await expectAccessRevoked(apis[0], disabled.accessToken);
    expectError(await apis[0].refresh(disabled.refreshToken), 401, 'SESSION_REVOKED');

    const deleted = await newSession(apis[0]);
    await host.connection.collection('users').deleteOne({ email: deleted.email });
    await host.app.get(AuthService).logoutEverywhere(deleted.userId);
    await expectAccessRevoked(apis[0], deleted.accessToken);
    expectError(await apis[1].refresh(deleted.refreshToken), 401, 'SESSION_REVOKED');
  });
});
