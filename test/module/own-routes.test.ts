import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Post,
  Req,
  Res,
  UnauthorizedException,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import {
  type AuthenticatedUser,
  AuthErrorFilter,
  AuthHttp,
  AuthModule,
  AuthService,
  type ClientRequest,
  CrossSiteGuard,
  CurrentUser,
  JwtAuthGuard,
  JwtRefreshGuard,
  LoginThrottleGuard,
  type ProfileAnswer,
  RefreshThrottleGuard,
  type RefreshTokenClaims,
  type SessionAnswer,
  type TokenAnswer,
} from '../../src/index.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { Browser, COOKIE, expectCookieCleared, expectError, PASSWORD, uniqueEmail } from '../support/http.js';

/** The host's own routes, with `controllers: { auth: false }`: other names, and one more condition at login. */
@Controller('account')
@UseFilters(AuthErrorFilter)
class AccountController {
  constructor(
    private readonly auth: AuthService,
    private readonly http: AuthHttp,
  ) {}

  @Post()
  @UseGuards(CrossSiteGuard, LoginThrottleGuard)
  async signUp(
    @Body() { email, password }: Record<'email' | 'password', string>,
    @Req() request: ClientRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer | undefined> {
    const client = this.http.clientOf(request);
    const grant = await this.auth.register({ email, password }, { transport: 'cookie' }, client);
    return grant ? this.http.welcome(grant, request, response) : this.http.accepted(response);
  }

  @Post('session')
  @UseGuards(CrossSiteGuard, LoginThrottleGuard)
  async signIn(
    @Body() { email, password, invitation }: Record<'email' | 'password' | 'invitation', string>,
    @Req() request: ClientRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    if (invitation !== 'from Ada') throw new UnauthorizedException('members only');
    const client = this.http.clientOf(request);
    const grant = await this.auth.login(email, password, { transport: 'cookie' }, client);
    return this.http.welcome(grant, request, response);
  }

  @Post('session/renew')
  @HttpCode(200)
  @UseGuards(CrossSiteGuard, RefreshThrottleGuard, JwtRefreshGuard)
  async renew(
    @Req() request: ClientRequest & { refreshToken: RefreshTokenClaims },
    @Res({ passthrough: true }) response: unknown,
  ): Promise<TokenAnswer> {
    const grant = await this.auth.refresh(request.refreshToken, this.http.clientOf(request));
    return this.http.answer(grant, response);
  }

  @Delete('session')
  @HttpCode(204)
  @UseGuards(CrossSiteGuard)
  async signOut(@Req() request: ClientRequest, @Res({ passthrough: true }) response: unknown): Promise<void> {
    await this.auth.logout(this.http.tokensOf(request));
    this.http.clearCookie(response);
  }

  @Get()
  @UseGuards(JwtAuthGuard)
  profile(@CurrentUser() { id }: AuthenticatedUser): Promise<ProfileAnswer> {
    return this.auth.me(id);
  }

  @Get('sessions')
  @UseGuards(JwtAuthGuard)
  sessions(@CurrentUser() { id, session }: AuthenticatedUser): Promise<SessionAnswer[]> {
    return this.auth.sessions(id, session.id);
  }
}

describe.each(ADAPTERS)('the host’s own routes, on %s', (adapter) => {
  let host: HostApp;

  beforeAll(async () => {
    host = await HostApp.startWith(adapter, {
      imports: [AuthModule.forRoot({ ...authOptions({ throttle: {} }), controllers: { auth: false } })],
      controllers: [AccountController],
    });
  });
  afterAll(() => host.stop());

  async function signedUp() {
    const browser = new Browser(host.origin);
    const email = uniqueEmail();
    const answer = await browser.post('/account', { email, password: PASSWORD });
    expect(answer.status).toBe(201);
    return { browser, email, token: answer.json.accessToken as string, answer };
  }

  it('the module’s own routes do not exist', async () => {
    expect((await host.api().login({})).status).toBe(404);
  });

  it('registration answers with tokens; the refresh token and the device are in cookies only', async () => {
    const { browser, answer, email } = await signedUp();
    expect(answer.json).toMatchObject({ tokenType: 'Bearer', user: { email, roles: ['user'] } });
    expect(answer.json.refreshToken).toBeUndefined();
    expect([...browser.jar.keys()].sort()).toEqual(['device', COOKIE, `${COOKIE}_hint`]);
    expect(answer.cookie()?.attributes).toHaveProperty('httponly');
  });

  it('login may have conditions of its own', async () => {
    const { browser, email } = await signedUp();
    const credentials = { email, password: PASSWORD };
    expect((await browser.post('/account/session', credentials)).json.message).toBe('members only');
    const invited = { ...credentials, invitation: 'from Ada' };
    expect((await browser.post('/account/session', invited)).status).toBe(201);
    expectError(
      await browser.post('/account/session', { ...invited, password: 'wrong password' }),
      401,
      'INVALID_CREDENTIALS',
    );
  });

  it('refresh rotates; a refused token clears its cookie', async () => {
    const { browser, token } = await signedUp();
    const before = browser.jar.get(COOKIE);
    const answer = await browser.post('/account/session/renew');
    expect(answer.json.session.generation).toBe(1);
    expect(browser.jar.get(COOKIE)).not.toBe(before);
    await host.app.get(AuthService).logoutEverywhere(answer.json.user.id);
    const refused = await browser.post('/account/session/renew');
    expectError(refused, 401, 'SESSION_REVOKED');
    expectCookieCleared(refused);
    expectError(await browser.send('GET', '/account', { token }), 401, 'ACCESS_TOKEN_REVOKED');
  });

  it('logout ends the session and clears the cookie', async () => {
    const { browser, token } = await signedUp();
    const answer = await browser.send('DELETE', '/account/session');
    expect(answer.status).toBe(204);
    expectCookieCleared(answer);
    expectError(await browser.send('GET', '/account', { token }), 401, 'ACCESS_TOKEN_REVOKED');
  });

  it('a page of another site is refused', async () => {
    const { browser } = await signedUp();
    const headers = { origin: 'https://evil.example' };
    expectError(await browser.post('/account/session/renew', {}, { headers }), 403, 'CROSS_SITE_REQUEST');
  });

  it("the service's results can be sent unchanged: they contain nothing of the store", async () => {
    const { browser, token, email } = await signedUp();
    const profile = await browser.send('GET', '/account', { token });
    expect(Object.keys(profile.json).sort()).toEqual(['createdAt', 'email', 'id', 'roles']);
    const [session] = (await browser.send('GET', '/account/sessions', { token })).json;
    expect(session).toMatchObject({ current: true });
    expect(Object.keys(session).sort()).toEqual([
      'createdAt',
      'current',
      'expiresAt',
      'id',
      'ip',
      'lastUsedAt',
      'userAgent',
    ]);
    const client = { ip: '127.0.0.1', userAgent: null, fingerprints: [] };
    const grant = await host.app.get(AuthService).login(email, PASSWORD, { transport: 'cookie' }, client);
    expect(JSON.stringify(grant)).not.toMatch(/hash|tokenVersion|predecessors|fingerprint/i);
  });
});
