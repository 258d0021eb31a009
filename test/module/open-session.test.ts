import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, HttpCode, type INestApplication, Post, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import {
  AuthEventBus,
  type AuthEventName,
  type AuthEvents,
  AuthHttp,
  AuthService,
  type ClientRequest,
  CurrentUser,
  LoginRoute,
  type TokenAnswer,
  UsersService,
} from '../../src/index.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { Api, Browser, COOKIE, expectError, PASSWORD, uniqueEmail } from '../support/http.js';

/** The host's own logins: by a code, and by a provider that redirects the browser back. */
@Controller('own')
class OwnLoginController {
  constructor(
    private readonly auth: AuthService,
    private readonly http: AuthHttp,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  @Post('code')
  @HttpCode(200)
  @LoginRoute()
  async byCode(
    @Body() { userId }: { userId: string },
    @Req() request: ClientRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const grant = await this.auth.openSession(userId, request, { amr: ['otp'], deviceName: 'Phone' });
    return this.http.welcome(grant, request, response);
  }

  /** An OpenID provider sends the browser back like this: from another site, by a link. */
  @Get('callback/:userId')
  @LoginRoute({ isCallback: true })
  async callback(
    @Req() request: ClientRequest & { params: { userId: string } },
    @Res() response: unknown,
  ): Promise<void> {
    const { userId } = request.params;
    const grant = await this.auth.openSession(userId, request, { amr: ['fed'], isEmailVerified: true });
    this.http.welcome(grant, request, response);
    this.adapterHost.httpAdapter.redirect(response, 302, '/welcome');
  }
}

function emittedBy(app: INestApplication) {
  const events: { name: AuthEventName; payload: unknown }[] = [];
  const bus = app.get(AuthEventBus);
  const emit = bus.emit.bind(bus);
  bus.emit = async (name, payload) => {
    events.push({ name, payload });
    await emit(name, payload);
  };
  return <Name extends AuthEventName>(name: Name, userId: string) =>
    events
      .filter((event) => event.name === name)
      .map(({ payload }) => payload as AuthEvents[Name] & { userId: string | null })
      .filter((payload) => payload.userId === userId);
}

describe.each(ADAPTERS)('a session for a user authenticated by other means, on %s', (adapter) => {
  let host: HostApp;
  let emitted: ReturnType<typeof emittedBy>;

  beforeAll(async () => {
    const options = { throttle: { login: { limit: 30, window: '1m' } }, trustedOrigins: [] } as const;
    host = await HostApp.start(adapter, options, { controllers: [OwnLoginController] });
    emitted = emittedBy(host.app);
  });
  afterAll(() => host.stop());

  const newUser = () => host.app.get(UsersService).register({ email: uniqueEmail(), password: PASSWORD });

  it('answers in the usual form, and the session refreshes like any other', async () => {
    const user = await newUser();
    const browser = new Browser(host.origin);
    const answer = await browser.post('/own/code', { userId: user.id });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      tokenType: 'Bearer',
      user: { id: user.id },
      session: { generation: 0 },
    });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.cookie()?.attributes).toMatchObject({ httponly: '' });
    expect((await browser.post('/auth/refresh')).json).toMatchObject({ session: { generation: 1 } });
    const own = await host.api().sessions(answer.json.accessToken);
    expect(own.json).toEqual([expect.objectContaining({ current: true, deviceName: 'Phone' })]);
  });

  it('reports the login, its method, and its new device', async () => {
    const user = await newUser();
    for (const agent of ['Chrome/140.0.0.0', 'Firefox/144.0'])
      await new Api(host.origin, { 'user-agent': agent }).post('/own/code', { userId: user.id });
    expect(emitted('user.logged_in', user.id)).toEqual([
      expect.objectContaining({ amr: ['otp'] }),
      expect.objectContaining({ amr: ['otp'], device: { appId: null, deviceId: null, deviceName: 'Phone' } }),
    ]);
    expect(emitted('user.logged_in', user.id)[0]?.source.ip).toBe('127.0.0.1');
  });

  it('a provider’s callback sets the cookies and redirects, from another site', async () => {
    const user = await newUser();
    const browser = new Browser(host.origin);
    const fromElsewhere = { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } };
    const answer = await browser.send('GET', `/own/callback/${user.id}`, fromElsewhere);
    expect([answer.status, answer.headers.location]).toEqual([302, '/welcome']);
    expect([...browser.jar.keys()].sort()).toEqual(['device', COOKIE, `${COOKIE}_hint`].sort());
    expect((await browser.post('/auth/refresh')).status).toBe(200);
    expect(answer.text).not.toContain(browser.jar.get(COOKIE));
    expect((await host.app.get(UsersService).findById(user.id))?.emailVerifiedAt).toBeInstanceOf(Date);
  });

  it('a login route of the host refuses other sites, and has a limit', async () => {
    const user = await newUser();
    const foreign = { headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } };
    const refused = await host.api().post('/own/code', { userId: user.id }, foreign);
    expectError(refused, 403, 'CROSS_SITE_REQUEST');
    let answer = await host.api().post('/own/code', { userId: user.id });
    for (let attempts = 0; answer.status === 200 && attempts < 40; attempts += 1)
      answer = await host.api().post('/own/code', { userId: user.id });
    expectError(answer, 429, 'TOO_MANY_ATTEMPTS');
  });
});

describe('AuthService.openSession', () => {
  let host: HostApp;
  let emitted: ReturnType<typeof emittedBy>;

  beforeAll(async () => {
    const mailer = { send: async () => undefined };
    host = await HostApp.start('express', {
      mailer,
      emailVerification: 'required',
      sessions: { maxPerUser: 2 },
      throttle: { accountFailures: { limit: 2, window: '1h' }, failures: { limit: 2, window: '1h' } },
    });
    emitted = emittedBy(host.app);
  });
  afterAll(() => host.stop());

  const auth = () => host.app.get(AuthService);
  const newUser = (isEmailVerified = true) =>
    host.app.get(UsersService).register({ email: uniqueEmail(), password: PASSWORD, isEmailVerified });

  it('works in a script, without a request', async () => {
    const user = await newUser();
    const grant = await auth().openSession(user.id, null, { amr: ['otp'], transport: 'body' });
    expect((await host.api().me(grant.accessToken.token)).status).toBe(200);
    const { token } = grant.refreshToken;
    expect((await host.api().refresh(token)).json).toMatchObject({ session: { generation: 1 } });
    const login = await auth().login(user.email, PASSWORD, { transport: 'body' }, { ip: '192.0.2.1' });
    expect((await host.api().refresh(login.refreshToken.token)).status).toBe(200);
  });

  it('refuses users who do not exist, are disabled or have not verified their address', async () => {
    const disabled = await newUser();
    await auth().disableUser(disabled.id);
    const unverified = await newUser(false);
    const open = (id: string, more = {}) => auth().openSession(id, null, { amr: ['fed'], ...more });
    await expect(open('65a000000000000000000001')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(open('no id')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(open(disabled.id)).rejects.toMatchObject({ code: 'ACCOUNT_DISABLED' });
    await expect(open(unverified.id)).rejects.toMatchObject({ code: 'EMAIL_NOT_VERIFIED' });
    expect(emitted('login.failed', disabled.id)).toMatchObject([{ reason: 'disabled' }]);
    expect(emitted('login.failed', unverified.id)).toMatchObject([{ reason: 'email_not_verified' }]);
    await open(unverified.id, { isEmailVerified: true });
    await open(unverified.id);
  });

  it('respects the cap of sessions, and is never locked out by wrong passwords', async () => {
    const user = await newUser();
    const wrong = { email: user.email, password: 'wrong-Otters-cross-the-river' };
    for (let attempts = 0; attempts < 3; attempts += 1) await host.api().login(wrong);
    expectError(await host.api().login({ ...wrong, password: PASSWORD }), 429, 'TOO_MANY_ATTEMPTS');
    for (let logins = 0; logins < 3; logins += 1) await auth().openSession(user.id, null, { amr: ['hwk'] });
    expect(await auth().sessions(user.id)).toHaveLength(2);
    expect(emitted('session.evicted', user.id)).toHaveLength(1);
  });

  it.each([undefined, [], 'pwd', [''], [1], ['with space'], Array(11).fill('a')])(
    'amr %j: a mistake of the host, and no session',
    async (amr) => {
      const user = await newUser();
      const opened = auth().openSession(user.id, null, { amr: amr as never });
      await expect(opened).rejects.toMatchObject({
        code: 'INTERNAL',
        detail: expect.stringContaining('amr'),
      });
      expect(await auth().sessions(user.id)).toEqual([]);
    },
  );

  it('refuses an unknown transport, and body transport if it is not allowed', async () => {
    const user = await newUser();
    const opened = auth().openSession(user.id, null, { amr: ['otp'], transport: 'header' as never });
    await expect(opened).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });
});

describe('@CurrentUser()', () => {
  @Controller('who')
  class WhoController {
    @Get()
    who(@CurrentUser('id') id: string, @CurrentUser('roles') roles: string[]) {
      return { id, roles };
    }
  }

  it.each(ADAPTERS)('adds a property of the user, on %s', async (adapter) => {
    const host = await HostApp.start(
      adapter,
      { globalGuard: true, ...authOptions() },
      { controllers: [WhoController] },
    );
    const { json } = await host.api().register({ email: uniqueEmail(), password: PASSWORD });
    const answer = await host.api().send('GET', '/who', { token: json.accessToken });
    expect(answer.json).toEqual({ id: json.user.id, roles: ['user'] });
    await host.stop();
  });
});
