import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { getConnectionToken, MongooseModule } from '@nestjs/mongoose';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { hash } from 'bcrypt';
import { createClient } from 'graphql-ws';
import type { Connection } from 'mongoose';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { type AuthOptions, AuthService, UsersService } from '../../src/index.js';
import { actingAs, openBrowser, provideTestAuth, type TestBrowser } from '../../src/testing/index.js';
import { snippetsOf, WrittenFiles } from '../support/compile.js';
import { databaseUri } from '../support/database.js';
import { type Adapter, ADAPTERS } from '../support/host-app.js';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
const PAGES = ['recipes.md', 'serverless.md', 'users.md', 'migrating/better-auth.md', 'migrating/auth0.md'];
const pages = await Promise.all(PAGES.map((name) => readFile(join(DOCS, name), 'utf8')));
const snippets = pages.map((page, at) => snippetsOf(page, `${PAGES[at]}`));
const PASSWORD = 'seven-Otters-cross-the-river';
const newSecret = () => randomBytes(36).toString('base64url');
let users = 0;
const newUser = () => ({ email: `user-${(users += 1)}@example.com`, password: PASSWORD });

let files: WrittenFiles;
let app: INestApplication | undefined;

beforeAll(async () => {
  for (const name of ['JWT', 'CUSTOMER', 'STAFF'])
    for (const kind of ['ACCESS', 'REFRESH']) process.env[`${name}_${kind}_KEY`] = newSecret();
  process.env['OLD_JWT_SECRET'] = newSecret();
  files = await WrittenFiles.write(Object.assign({}, ...snippets));
});
afterAll(() => files.remove());
afterEach(async () => {
  const connection = app?.get<Connection>(getConnectionToken(), { strict: false });
  await connection?.dropDatabase();
  await app?.close();
  app = undefined;
});

/** The exports of a snippet. */
const from = (name: string) => files.import(name);

interface Start {
  readonly adapter?: Adapter;
  readonly options?: Partial<AuthOptions>;
  readonly configure?: (app: INestApplication) => void;
}

async function start(metadata: ModuleMetadata, { adapter = 'express', options, configure }: Start = {}) {
  process.env['MONGODB_URI'] = databaseUri('recipes');
  const builder = Test.createTestingModule(metadata);
  const module = await provideTestAuth(builder, options ? { options } : {}).compile();
  app =
    adapter === 'fastify'
      ? module.createNestApplication(new FastifyAdapter(), { logger: false })
      : module.createNestApplication({ logger: false });
  configure?.(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

/** For a recipe with its own options, and therefore without `app.module.ts`. */
const database = () =>
  MongooseModule.forRootAsync({ useFactory: () => ({ uri: process.env['MONGODB_URI'] }) });

async function signedIn(host: INestApplication, path?: string): Promise<TestBrowser> {
  const browser = await openBrowser(host, path === undefined ? {} : { path });
  expect((await browser.register(newUser())).status).toBe(201);
  return browser;
}

const meOf = async (browser: TestBrowser) => (await browser.get('/auth/me')).body;

describe('docs/recipes.md and docs/users.md', () => {
  it('show code that compiles', async () => {
    const names = snippets.flatMap((each) => Object.keys(each));
    expect(names.length).toBeGreaterThan(20);
    expect(new Set(names).size).toBe(names.length);
    expect(await files.compileErrors()).toBe('');
  });
});

describe.each(ADAPTERS)('the recipes on %s', (adapter) => {
  it('prefix, versions, Swagger, usernames, permissions and old tokens, in one application', async () => {
    const { AppModule } = await from('app.module.ts');
    const { useVersions } = await from('versions.ts');
    const { serveDocs } = await from('docs.ts');
    const { UsernameController } = await from('username.controller.ts');
    const { ArticlesController } = await from('articles.controller.ts');
    const { OldTokenController, OldTokenStrategy } = await from('old-token.controller.ts');
    const host = await start(
      {
        imports: [AppModule],
        controllers: [UsernameController, ArticlesController, OldTokenController],
        providers: [OldTokenStrategy],
      },
      {
        adapter,
        configure: (each) => {
          useVersions(each);
          serveDocs(each);
        },
      },
    );
    const browser = await signedIn(host, '/api/auth');
    const { id, email } = (await browser.get('/api/auth/me')).body;
    expect((await browser.refresh()).status).toBe(200);
    expect((await browser.get('/.well-known/jwks.json')).body).toEqual({ keys: [] });

    const documented = Object.keys((await browser.get('/docs-json')).body.paths);
    expect(documented).toEqual(expect.arrayContaining(['/api/auth/login', '/api/v1/username/login']));
    expect(documented).not.toContain('/api/v1/auth/login');

    const choose = (username: unknown) => browser.request('PUT', '/api/v1/username', { username });
    expect((await choose('ada')).status).toBe(204);
    expect((await choose('ada')).status).toBe(409);
    expect((await choose({ $ne: '' })).status).toBe(400);
    const other = await openBrowser(host, { path: '/api/auth' });
    const byName = (username: unknown, password = PASSWORD) =>
      other.post('/api/v1/username/login', { username, password });
    for (const attempt of [byName('nobody'), byName('ada', 'wrong password')])
      expect((await attempt).body).toMatchObject({ statusCode: 401, code: 'INVALID_CREDENTIALS' });
    expect((await byName({ $ne: '' })).status).toBe(400);
    expect((await byName('ada')).body.user).toMatchObject({ id, email });
    expect((await other.refresh()).status).toBe(200);

    const update = async (authorId: string) =>
      (await browser.request('PUT', `/api/v1/articles/${authorId}/7`)).status;
    expect(await update(id)).toBe(200);
    expect(await update('somebody')).toBe(403);
    await host.get(AuthService).setRoles(id, ['editor']);
    expect((await browser.get('/api/auth/me')).body.code).toBe('ACCESS_TOKEN_REVOKED');
    await browser.refresh();
    expect(await update('somebody')).toBe(200);

    const jwt = new JwtService({ secret: process.env['OLD_JWT_SECRET'] as string });
    const page = await openBrowser(host, { path: '/api/auth' });
    page.accessToken = jwt.sign({ sub: id, username: 'ada' }, { expiresIn: '60s' });
    expect((await page.get('/api/auth/me')).body.code).toBe('ACCESS_TOKEN_INVALID');
    expect((await page.post('/api/v1/login/old-token')).body.user).toMatchObject({ id });
    expect((await page.refresh()).status).toBe(200);
    expect((await page.get('/api/auth/me')).body).toMatchObject({ id });
    page.accessToken = jwt.sign({ sub: id }, { expiresIn: '-1s' });
    expect((await page.post('/api/v1/login/old-token')).status).toBe(401);
  });

  it('a user model of the host', async () => {
    const { OwnUsersModule, AccountsModule, AccountStore } = await from('accounts.module.ts');
    const host = await start({ imports: [database(), OwnUsersModule, AccountsModule] }, { adapter });
    const browser = await openBrowser(host);
    const user = newUser();
    expect((await browser.register(user)).status).toBe(201);
    const me = await meOf(browser);
    expect(me).toMatchObject({ email: user.email, roles: ['user'] });
    expect((await browser.register(user)).body.code).toBe('EMAIL_TAKEN');
    const newPassword = 'nine-Herons-stand-in-the-reeds';
    const change = { currentPassword: PASSWORD, newPassword };
    expect((await browser.post('/auth/change-password', change)).status).toBe(200);
    expect((await browser.login({ ...user, password: newPassword })).status).toBe(200);
    expect((await browser.post('/auth/logout-all')).status).toBe(204);
    expect((await browser.refresh()).body.code).toBe('REFRESH_TOKEN_MISSING');
    await host.get(AuthService).disableUser(me.id);
    expect((await browser.login({ ...user, password: newPassword })).body.code).toBe('ACCOUNT_DISABLED');
    const store = host.get(AccountStore);
    expect(await store.findById('no id')).toBeNull();
    const { passwordHash } = await store.findById(me.id);
    await store.upgradePasswordHash(me.id, { passwordHash: 'other', ifPasswordHash: 'no such hash' });
    expect(await store.findById(me.id)).toMatchObject({ passwordHash });
    expect(await store.replaceTokenVersion('0'.repeat(24), 'x')).toBeNull();
  });

  it('the tenant in the token', async () => {
    const { InvoicesModule } = await from('invoices.module.ts');
    const host = await start({ imports: [database(), InvoicesModule] }, { adapter });
    const user = newUser();
    await host.get(UsersService).register({ ...user, fields: { tenantId: 'acme' } });
    const browser = await openBrowser(host);
    await browser.login(user);
    expect((await browser.get('/tenants/acme/invoices')).body).toEqual({ invoicesOf: 'acme' });
    expect((await browser.get('/tenants/other/invoices')).status).toBe(403);
    const stranger = await signedIn(host);
    expect((await stranger.get('/tenants/null/invoices')).status).toBe(403);
    const headers = await actingAs({ claims: { tenantId: 'other' } }).headers(host);
    const acting = await fetch(`${await host.getUrl()}/tenants/other/invoices`, { headers });
    expect(await acting.json()).toEqual({ invoicesOf: 'other' });
  });

  it('a collection with bcrypt hashes', async () => {
    const { MembersModule } = await from('members.module.ts');
    const host = await start({ imports: [database(), MembersModule] }, { adapter });
    const members = host.get<Connection>(getConnectionToken()).collection('members');
    const user = newUser();
    await members.insertOne({
      email: user.email,
      password: await hash(PASSWORD, 4),
      fullName: 'Ada',
      shoeSize: 39,
    });
    const browser = await openBrowser(host);
    expect((await browser.login(user)).status).toBe(200);
    expect(await meOf(browser)).toMatchObject({ email: user.email, name: 'Ada', roles: [] });
    expect(await members.findOne({ email: user.email })).toMatchObject({ shoeSize: 39 });
  });

  it('existing users, fields of a registration, and the migration', async () => {
    const { CompanyModule } = await from('company.module.ts');
    const { migrate } = await from('migrate.ts');
    const host = await start({ imports: [database(), CompanyModule] }, { adapter });
    const members = host.get<Connection>(getConnectionToken()).collection('members');
    const joinedAt = new Date('2020-02-02T00:00:00Z');
    await members.insertOne({ email: 'Grace@Example.com', password: await hash(PASSWORD, 4), joinedAt });
    const browser = await openBrowser(host);
    const grace = { email: 'grace@example.com', password: PASSWORD };
    expect((await browser.login(grace)).body.code).toBe('INVALID_CREDENTIALS');
    expect(await migrate(true)).toMatchObject({ users: 1, mixedCaseEmails: 1, fixed: 1, problems: [] });
    expect((await browser.login(grace)).status).toBe(401);
    expect(await migrate(false)).toMatchObject({ fixed: 1, duplicateEmails: [] });
    expect((await browser.login(grace)).status).toBe(200);
    expect(await meOf(browser)).toMatchObject({ roles: ['user'], createdAt: joinedAt.toISOString() });

    const user = newUser();
    expect((await browser.register(user)).body.code).toBe('VALIDATION_FAILED');
    expect((await browser.register({ ...user, company: 'Engines' })).status).toBe(201);
    expect(await members.findOne({ email: user.email })).toMatchObject({ company: 'Engines' });
    expect(await host.get(UsersService).findByEmail(user.email)).toMatchObject({
      fields: { company: 'Engines' },
    });
  });

  it('the addresses of users behind a proxy', async () => {
    const { trustProxy, adapter: fastify } = await from('proxy.ts');
    const { OfficeModule } = await from('office.module.ts');
    process.env['MONGODB_URI'] = databaseUri('recipes');
    const builder = Test.createTestingModule({ imports: [database(), OfficeModule] });
    const throttle = { login: { limit: 2, window: '1m' } };
    const module = await provideTestAuth(builder, { options: { throttle } }).compile();
    app = adapter === 'fastify' ? module.createNestApplication(fastify()) : module.createNestApplication();
    if (adapter === 'express') trustProxy(app);
    await app.listen(0, '127.0.0.1');
    const login = async (address: string) => {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': address };
      const body = JSON.stringify({ email: 'nobody@example.com', password: PASSWORD });
      return (await fetch(`${await app?.getUrl()}/auth/login`, { method: 'POST', headers, body })).status;
    };
    const addresses = ['203.0.113.1', '203.0.113.1', '203.0.113.1', '203.0.113.2'];
    const statuses: number[] = [];
    for (const address of addresses) statuses.push(await login(address));
    expect(statuses).toEqual([401, 401, 429, 401]);
  });

  it('server-sent events', async () => {
    const { AppModule } = await from('app.module.ts');
    const { TickerController } = await from('ticker.controller.ts');
    const host = await start({ imports: [AppModule], controllers: [TickerController] }, { adapter });
    const browser = await signedIn(host);
    const url = `${await host.getUrl()}/ticker`;
    expect((await fetch(url)).status).toBe(401);
    const stream = await fetch(url, { headers: { authorization: `Bearer ${browser.accessToken}` } });
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toContain('data: 0');
    await browser.logout();
    const rest: string[] = [];
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest.push(part.value);
    expect(rest.join('').length).toBeLessThan(200);
  });
});

describe('the recipes', () => {
  it('two independent modules in one application', async () => {
    const { CustomersModule, StaffModule } = await from('two-modules.ts');
    const host = await start({ imports: [database(), CustomersModule, StaffModule] });
    const customer = await signedIn(host, '/customers/auth');
    const staff = await signedIn(host, '/staff/auth');
    const invalid = { code: 'ACCESS_TOKEN_INVALID' };
    expect((await customer.get('/orders')).body).toEqual({ ordersOf: expect.any(String) });
    expect((await customer.get('/stock')).body).toMatchObject(invalid);
    expect((await staff.get('/stock')).body).toEqual({ countedBy: expect.any(String) });
    expect((await staff.get('/orders')).body).toMatchObject(invalid);
    expect((await staff.refresh()).status).toBe(200);
    await staff.logout();
    expect((await customer.refresh()).status).toBe(200);
  });

  it('options from a class', async () => {
    const { ConfigModule } = await import('@nestjs/config');
    const { ConfiguredModule } = await from('auth-config.ts');
    const host = await start({
      imports: [ConfigModule.forRoot({ isGlobal: true }), database(), ConfiguredModule],
    });
    const browser = await signedIn(host);
    expect((await browser.refresh()).status).toBe(200);
  });

  it('a seed script, safe to repeat, and a serverless handler on the same database', async () => {
    process.env['MONGODB_URI'] = databaseUri('recipes');
    const { seed } = await from('seed.ts');
    const { handler, theApplication } = await from('handler.ts');
    const email = 'admin@example.com';
    await seed(email, PASSWORD);
    const token = await seed(email, 'another password');
    const server = createServer((request, response) => void handler(request, response)).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const get = async (path: string) => {
      const { port } = server.address() as AddressInfo;
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).json();
    };
    expect(await get('/auth/me')).toMatchObject({ email, roles: ['user', 'admin'] });
    expect(await get('/auth/admin/users')).toMatchObject({ items: [{ email }] });
    server.close();
    app = await theApplication();
  });

  describe('sockets', () => {
    const open: (WebSocket | Socket)[] = [];
    afterEach(() => open.splice(0).forEach((socket) => socket.close()));

    const heard = (socket: Socket, event: string) =>
      new Promise<unknown>((resolve) => socket.once(event, resolve));

    it('GraphQL', async () => {
      const { AppModule } = await from('app.module.ts');
      const { GraphqlModule } = await from('graphql.module.ts');
      const host = await start({ imports: [AppModule, GraphqlModule] });
      const browser = await signedIn(host);
      const { id } = await meOf(browser);
      const query = async (text: string) => (await browser.post('/graphql', { query: text })).body;
      expect(await query('{ me }')).toEqual({ data: { me: id } });
      const { errors } = await query('{ audit }');
      expect(errors[0].extensions).toMatchObject({ code: 'FORBIDDEN', statusCode: 403 });

      const url = `${(await host.getUrl()).replace('http', 'ws')}/graphql`;
      const subscribe = (accessToken: string) =>
        createClient({
          url,
          webSocketImpl: WebSocket,
          connectionParams: { accessToken },
          retryAttempts: 0,
        }).iterate<{ countdown: string }>({ query: 'subscription { countdown }' });
      const heard: unknown[] = [];
      for await (const { data } of subscribe(browser.accessToken as string)) heard.push(data?.countdown);
      expect(heard).toEqual([`${id} 3`, `${id} 2`, `${id} 1`]);
      await expect(subscribe('no token').next()).rejects.toMatchObject({ code: 4403 });
    });

    it('socket.io', async () => {
      const { AppModule } = await from('app.module.ts');
      const { ChatGateway } = await from('chat.gateway.ts');
      const configure = (each: INestApplication) => each.useWebSocketAdapter(new IoAdapter(each));
      const host = await start({ imports: [AppModule], providers: [ChatGateway] }, { configure });
      const browser = await signedIn(host);
      const { id } = await meOf(browser);
      const url = await host.getUrl();
      const connect = (token?: string | null) => {
        const socket = io(url, { auth: { token }, transports: ['websocket'], reconnection: false });
        open.push(socket);
        return socket;
      };
      const stranger = connect();
      const [refusal] = await Promise.all([heard(stranger, 'exception'), heard(stranger, 'disconnect')]);
      expect(refusal).toMatchObject({ code: 'ACCESS_TOKEN_MISSING' });

      const socket = connect(browser.accessToken);
      expect(await socket.emitWithAck('say', { text: 'hello' })).toEqual({ from: id, text: 'hello' });
      await browser.refresh();
      expect(await socket.emitWithAck('auth.renew', { accessToken: browser.accessToken })).toEqual({
        renewed: id,
      });
      const [ended] = await Promise.all([heard(socket, 'exception'), browser.logout()]);
      expect(ended).toMatchObject({ code: 'ACCESS_TOKEN_REVOKED' });
    });

    it('native WebSockets', async () => {
      const { AppModule } = await from('app.module.ts');
      const { NewsGateway } = await from('news.gateway.ts');
      const configure = (each: INestApplication) => each.useWebSocketAdapter(new WsAdapter(each));
      const host = await start({ imports: [AppModule], providers: [NewsGateway] }, { configure });
      const browser = await signedIn(host);
      const { id } = await meOf(browser);
      const url = (await host.getUrl()).replace('http', 'ws');
      const connect = (query: string) => {
        const socket = new WebSocket(`${url}/${query}`);
        open.push(socket);
        return socket;
      };
      const [code, reason] = await once(connect(''), 'close');
      expect([code, String(reason)]).toEqual([4401, 'ACCESS_TOKEN_MISSING']);

      const { ticket } = (await browser.post('/auth/ticket')).body;
      const socket = connect(`?ticket=${ticket}`);
      await once(socket, 'open');
      const ask = async (event: string, data: object) => {
        socket.send(JSON.stringify({ event, data }));
        const [answer] = await once(socket, 'message');
        return JSON.parse(String(answer));
      };
      expect(await ask('follow', {})).toEqual({ event: 'following', data: id });
      await browser.refresh();
      const { accessToken } = browser;
      expect(await ask('auth.renew', { accessToken })).toEqual({ event: 'auth.renewed', data: id });
      const [closed] = await Promise.all([once(socket, 'close'), browser.logout()]);
      expect([closed[0], String(closed[1])]).toEqual([4401, 'ACCESS_TOKEN_REVOKED']);
      const [again] = await once(connect(`?ticket=${ticket}`), 'close');
      expect(again).toBe(4401);
    });
  });
});
