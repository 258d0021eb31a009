import { afterEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, type LoggerService, Module, VersioningType } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MongooseModule } from '@nestjs/mongoose';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { readHost } from '../../src/doctor/host-facts.js';
import { AuthModule, type AuthOptions, DoctorService, type Finding } from '../../src/index.js';
import { databaseUri } from '../support/database.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { eventually } from '../support/eventually.js';
import { type Adapter, ADAPTERS, authOptions, HostApp } from '../support/host-app.js';

/** Collects what is logged in the context `Doctor`. */
class Log implements LoggerService {
  readonly lines: string[] = [];
  readonly log = this.at('log');
  readonly warn = this.at('warn');
  readonly error = this.at('error');

  private at(level: string) {
    return (message: unknown, ...rest: unknown[]): void => {
      if (rest.at(-1) === 'Doctor') this.lines.push(`${level}: ${String(message)}`);
    };
  }
}

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(
  adapter: Adapter,
  options: Partial<AuthOptions> = {},
  configure: (app: INestApplication) => void = () => {},
  uri?: string,
): Promise<{ host: HostApp; doctor: DoctorService; log: Log }> {
  const log = new Log();
  const imports = [AuthModule.forRoot(authOptions({ doctor: true, ...options }))];
  const host = await HostApp.startWith(adapter, { imports }, uri, (app) => {
    app.useLogger(log);
    configure(app);
  });
  stops.push(() => host.stop());
  return { host, doctor: host.app.get(DoctorService), log };
}

const pathCookie = { refreshToken: { cookie: { path: '/auth' } } };
const codesOf = (findings: readonly Finding[]) => findings.map(({ code }) => code);

describe.each(ADAPTERS)('the doctor on %s', (adapter) => {
  it('finds nothing in a sound application, and logs nothing', async () => {
    const { doctor, log } = await start(adapter);
    expect(await doctor.atBoot).toEqual([]);
    expect(await doctor.examine()).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  it.each<[string, string | null, (app: INestApplication) => void]>([
    ['a global prefix', '/api/auth/refresh', (app) => app.setGlobalPrefix('api')],
    // The library's routes are unversioned, whatever versions a host has.
    [
      'a version in the path',
      null,
      (app) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: '2' }),
    ],
    [
      'both',
      '/api/auth/refresh',
      (app) => app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '2' }),
    ],
    [
      'a version in a header',
      null,
      (app) =>
        void app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version', defaultVersion: '2' }),
    ],
    [
      'a prefix that leaves the routes out',
      null,
      (app) => app.setGlobalPrefix('api', { exclude: ['auth/*all'] }),
    ],
  ])('compares the path of the cookie with the route with %s', async (_name, path, configure) => {
    const { doctor, log } = await start(adapter, pathCookie, configure);
    const findings = await doctor.atBoot;
    expect(codesOf(findings)).toEqual(path === null ? [] : ['cookie.path']);
    expect(log.lines).toHaveLength(findings.length);
    if (path === null) return;
    expect(findings[0]?.message).toContain(`'${path}'`);
    expect(log.lines[0]).toMatch(/^error: refreshToken\.cookie\.path: .* Fix: .* \[cookie\.path\]$/);
  });

  it('finds a dropped index, with the command that restores it, using only reads', async () => {
    const { host, doctor } = await start(adapter);
    await doctor.atBoot;
    await host.connection.collection('users').dropIndex('email_1');
    await host.connection.collection('refresh_tokens').dropIndex('expiresAt_1');
    host.commands.length = 0;
    const findings = await doctor.examine();
    const commands = new Set(host.commands.map(({ commandName }) => commandName));
    expect(codesOf(findings)).toEqual(['database.unique-index', 'database.ttl-index']);
    expect(findings[0]?.fix).toContain('db.users.createIndex({"email":1}, {"unique":true})');
    // Includes the reads of the feed and of the clock.
    const reads = ['hello', 'listIndexes', 'find', 'aggregate', 'getMore', 'ping'];
    expect([...commands].filter((name) => !reads.includes(name))).toEqual([]);
    expect(commands).toContain('listIndexes');
  });

  it('reports an untrusted proxy at the first request through it, once', async () => {
    const { host, doctor, log } = await start(adapter);
    await doctor.atBoot;
    const direct = await host.api().login({ email: 'nobody@example.com', password: 'a long passphrase' });
    expect(direct.status).toBe(401);
    expect(codesOf(await doctor.examine())).toEqual([]);
    const proxied = host.api({ 'X-Forwarded-For': '203.0.113.9' });
    await proxied.refresh('nonsense');
    await proxied.refresh('nonsense');
    expect(codesOf(await doctor.examine())).toEqual(['proxy.not-trusted']);
    await eventually(
      async () => log.lines.length,
      (count) => count > 0,
    );
    expect(log.lines).toEqual([expect.stringMatching(/^log: trust proxy: .*\[proxy\.not-trusted\]$/)]);
  });

  it('does not log it if it is turned off', async () => {
    const { host, doctor, log } = await start(adapter, { doctor: false, ...pathCookie }, (app) =>
      app.setGlobalPrefix('api'),
    );
    expect(await doctor.atBoot).toEqual([]);
    await host.api({ 'X-Forwarded-For': '203.0.113.9' }).send('POST', '/api/auth/refresh');
    expect(log.lines).toEqual([]);
    // `examine()` still returns it.
    expect(codesOf(await doctor.examine())).toEqual(['cookie.path']);
  });
});

describe('whose X-Forwarded-For an application trusts', () => {
  it.each([
    [undefined, 'none'],
    [false, 'none'],
    [0, 'none'],
    [true, 'all'],
    [1, 'some'],
    ['10.0.0.0/8', 'some'],
    [['loopback', '192.0.2.1'], 'some'],
    [() => true, 'all'],
    [(_address: string, hop: number) => hop < 2, 'some'],
  ])('on Express: %p is %s', (setting, trust) => {
    const adapter = new ExpressAdapter();
    if (setting !== undefined) adapter.getInstance().set('trust proxy', setting);
    expect(readHost(adapter, null).proxyTrust).toBe(trust);
  });

  it.each([
    [undefined, 'none'],
    [false, 'none'],
    [true, 'all'],
    ['10.0.0.0/8', 'some'],
    [['loopback', '192.0.2.1'], 'some'],
    [() => true, 'all'],
    [(_address: string, hop: number) => hop < 2, 'some'],
  ])('on Fastify: %p is %s', (setting, trust) => {
    const adapter = new FastifyAdapter(setting === undefined ? {} : { trustProxy: setting });
    expect(readHost(adapter as never, null).proxyTrust).toBe(trust);
  });
});

describe('the doctor in unusual applications', () => {
  it('reports that nothing creates what is missing if autoIndex is off', async () => {
    const uri = databaseUri('doctor');
    @Module({
      imports: [
        MongooseModule.forRoot(uri, { autoIndex: false }),
        AuthModule.forRoot(authOptions({ doctor: true })),
      ],
    })
    class Host {}
    // Without HTTP there is nothing to report about routes and proxies.
    const app = await NestFactory.createApplicationContext(Host, { logger: false });
    stops.push(() => app.close());
    const findings = await app.get(DoctorService).atBoot;
    expect(new Set(codesOf(findings))).toEqual(
      new Set(['database.unique-index', 'database.ttl-index', 'database.index']),
    );
    for (const { fix } of findings) expect(fix).toContain('autoIndex is false');
    // Before the first start none of the collections exists.
    expect(await app.get(DoctorService).examine({ isBeforeStart: true })).toEqual([]);
  });

  it.each(['cut', 'freeze'] as const)(
    'reports within its time limit that the database is unreachable: %s',
    async (fault) => {
      const proxy = await DatabaseProxy.open('doctor');
      @Module({
        imports: [
          MongooseModule.forRoot(proxy.uri, { serverSelectionTimeoutMS: 500 }),
          AuthModule.forRoot(authOptions({ doctor: true })),
        ],
      })
      class Host {}
      const app = await NestFactory.createApplicationContext(Host, { logger: false });
      stops.push(
        () => app.close(),
        () => proxy.close(),
      );
      const doctor = app.get(DoctorService);
      expect(codesOf(await doctor.atBoot)).not.toContain('database.unreachable');
      proxy[fault]();
      const from = performance.now();
      const findings = await doctor.examine();
      expect(performance.now() - from).toBeLessThan(30_000);
      expect(codesOf(findings)).toEqual(['database.unreachable']);
      expect(JSON.stringify(findings)).not.toContain('127.0.0.1');
      proxy.thaw();
    },
  );
});
