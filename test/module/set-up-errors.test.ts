import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, type DynamicModule, Get, type INestApplication, Module, Post } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AuthModule, type AuthModuleExtras, DoctorService, JwtAuthGuard } from '../../src/index.js';
import { VerifyOnlyAuthModule } from '../../src/verify/index.js';
import { databaseUri } from '../support/database.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { Api, expectError, PASSWORD, uniqueEmail } from '../support/http.js';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

@Controller('auth')
class OldController {
  @Post('login')
  login() {
    return { old: true };
  }

  @Get(':page')
  page() {
    return { page: true };
  }
}
@Module({ controllers: [OldController] })
class OldModule {}

describe('a host without a Mongoose connection', () => {
  const boot = (extras: AuthModuleExtras, imports: object[] = []) =>
    Test.createTestingModule({
      imports: [...(imports as never[]), AuthModule.forRoot({ ...authOptions(), ...extras })],
    }).compile();

  it('names what is missing', async () => {
    await expect(boot({})).rejects.toThrow(
      'AuthModule needs a Mongoose connection, and the application has none: ' +
        'add MongooseModule.forRoot(uri) to the imports, next to AuthModule.',
    );
  });

  it('names the missing connection', async () => {
    const lazy = MongooseModule.forRoot(databaseUri('lazy'), { lazyConnection: true });
    await expect(boot({ connectionName: 'auth' }, [lazy])).rejects.toThrow(
      "AuthModule needs a Mongoose connection named 'auth', and the application has none: " +
        "add MongooseModule.forRoot(uri, { connectionName: 'auth' }) to the imports, next to AuthModule.",
    );
  });
});

it('two modules with one cookie are refused, and the error names the change', async () => {
  const of = (group: string, name: string): DynamicModule =>
    AuthModule.forRoot({
      ...authOptions({ refreshToken: { cookie: { name } } }),
      isGlobal: false,
      routePrefix: group,
      controllers: { jwks: false },
    });
  const hostOf = (...names: string[]) =>
    HostApp.startWith('express', { imports: names.map((name, index) => of(`group-${index}`, name)) });
  await expect(hostOf('token', 'token')).rejects.toThrow(
    "refreshToken.cookie.name = 'token': another AuthModule of the application uses this cookie, and each would log out " +
      'the users of the other: give each module a different name',
  );
  stops.push(await hostOf('customer', 'staff').then((host) => () => host.stop()));
});

it('a second module that exports its guard to the whole application is refused', async () => {
  const verifier = (extras: { isGlobal?: boolean }) =>
    VerifyOnlyAuthModule.forRoot({
      issuer: 'https://a.example',
      jwksUri: 'https://a.example/jwks',
      ...extras,
    });
  const hostOf = (extras: { isGlobal?: boolean }) =>
    HostApp.startWith('express', { imports: [AuthModule.forRoot(authOptions()), verifier(extras)] });
  await expect(hostOf({})).rejects.toThrow(
    'isGlobal = true: two global modules of the application export JwtAuthGuard, and a controller could get either: ' +
      'set isGlobal: false for one of them, and import it where its guard is used',
  );
  stops.push(await hostOf({ isGlobal: false }).then((host) => () => host.stop()));
});

it('a global module of the host may export its own guard', async () => {
  const own = { module: class Own {}, global: true, providers: [JwtAuthGuard] };
  const host = await HostApp.startWith('express', { imports: [AuthModule.forRoot(authOptions()), own] });
  stops.push(() => host.stop());
});

it('an unknown option is refused with the intended name', async () => {
  const options = { ...authOptions(), acessToken: { ttl: '5m' } };
  const boot = HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] });
  await expect(boot).rejects.toThrow(
    'acessToken = (object): there is no such option: did you mean accessToken?',
  );
});

describe.each(ADAPTERS)('a host with bodyParser: false, on %s', (adapter) => {
  it('logs why bodies do not arrive, or needs no parser', async () => {
    const module = await Test.createTestingModule({
      imports: [MongooseModule.forRoot(databaseUri('parser')), AuthModule.forRoot(authOptions())],
    }).compile();
    const settings = { bodyParser: false, logger: false } as const;
    const app: INestApplication =
      adapter === 'fastify'
        ? module.createNestApplication(new FastifyAdapter(), settings)
        : module.createNestApplication(settings);
    const lines: string[] = [];
    const keep = (...parts: unknown[]) => void lines.push(parts.map(String).join(' '));
    app.useLogger({ log: () => undefined, warn: keep, error: keep });
    await app.listen(0, '127.0.0.1');
    stops.push(() => app.close());
    const api = new Api(await app.getUrl());
    const answer = await api.register({ email: uniqueEmail(), password: PASSWORD });
    if (adapter === 'fastify') {
      expect(answer.status).toBe(201);
      return;
    }
    expectError(answer, 500, 'INTERNAL');
    expect(lines.join('\n')).toContain(
      'no body parser has read the JSON body: leave bodyParser: false out of NestFactory.create, or call app.use(express.json()) before app.listen',
    );
    // Without a body there is nothing to parse.
    expectError(await api.send('POST', '/auth/refresh'), 401, 'REFRESH_TOKEN_MISSING');
  });
});

describe('a host whose controller has routes of the library', () => {
  const start = async (imports: (auth: object) => object[], configure?: (app: INestApplication) => void) => {
    const auth = AuthModule.forRoot(authOptions({ doctor: true }));
    const host = await HostApp.startWith(
      'express',
      { imports: imports(auth) as never },
      undefined,
      configure,
    );
    stops.push(() => host.stop());
    const findings = await host.app.get(DoctorService).atBoot;
    return findings
      .filter(({ code }) => code === 'routes.shadowed')
      .map(({ subject, message }) => [subject, message]);
  };
  const TWICE =
    'two controllers of the application serve this route, and Express calls only the one that was registered first';
  const taken = (path: string) =>
    `another controller of the application has the route ${path}, which was registered first and gets these requests`;

  it.each([
    ['', ''],
    ['api', '/api'],
  ])('logs which routes are taken on Express (prefix %p)', async (prefix, path) => {
    const findings = await start(
      (auth) => [OldModule, auth],
      (app) => void app.setGlobalPrefix(prefix),
    );
    expect(findings).toEqual(
      expect.arrayContaining([
        [`POST ${path}/auth/login`, TWICE],
        [`GET ${path}/auth/me`, taken(`${path}/auth/:page`)],
        [`GET ${path}/auth/sessions`, taken(`${path}/auth/:page`)],
      ]),
    );
    expect(findings).toHaveLength(3);
  });

  it('is warned only about the same path if the library was registered first', async () => {
    expect(await start((auth) => [auth, OldModule])).toEqual([['POST /auth/login', TWICE]]);
  });

  it('is refused by Fastify', async () => {
    const imports = [OldModule, AuthModule.forRoot(authOptions())];
    await expect(HostApp.startWith('fastify', { imports })).rejects.toThrow(/already declared/);
  });
});
