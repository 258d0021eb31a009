import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { GoogleLoginModule } from '../../examples/google/src/google-login.module.js';
import { AuthService, UsersService } from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { type Answer, Browser, COOKIE, expectError, PASSWORD, uniqueEmail } from '../support/http.js';
import { CLIENT, OpenIdProvider, type Person } from '../support/openid-provider.js';
import { claimsOf } from '../support/tokens.js';

const CALLBACK = '/login/google/callback';
const STATE_COOKIE = 'google_login';
/** A name that the compiler does not follow: the client needs the types of a browser. */
const CLIENT_PACKAGE: string = 'nestjs-silent-auth-client';

describe.each(ADAPTERS)('the example of Google logins, on %s', (adapter) => {
  let provider: OpenIdProvider;
  let host: HostApp;

  beforeAll(async () => {
    provider = await OpenIdProvider.start();
    const google = GoogleLoginModule.forRoot({
      ...CLIENT,
      callbackURL: `http://app.example.com${CALLBACK}`,
      authorizationURL: `${provider.origin}/authorize`,
      tokenURL: `${provider.origin}/token`,
      userProfileURL: `${provider.origin}/userinfo`,
    });
    host = await HostApp.start(adapter, {}, { imports: [google] });
  });
  afterAll(async () => {
    await host?.stop();
    await provider?.stop();
  });
  beforeEach(() => {
    provider.person = newPerson();
  });

  const users = () => host.app.get(UsersService);
  const newPerson = (over: Partial<Person> = {}): Person => ({
    sub: randomBytes(8).toString('hex'),
    email: uniqueEmail(),
    email_verified: true,
    name: 'Ada',
    ...over,
  });

  /** Follows the redirect to the provider, which returns the browser to this path. */
  async function sentBack(browser: Browser): Promise<string> {
    const start = await browser.send('GET', '/login/google');
    expect(start.status).toBe(302);
    const back = await fetch(String(start.headers.location), { redirect: 'manual' });
    const { pathname, search } = new URL(back.headers.get('location') ?? '');
    expect(pathname).toBe(CALLBACK);
    return pathname + search;
  }

  const fromGoogle = { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } };

  async function logIn(browser = new Browser(host.origin)): Promise<Answer> {
    return browser.send('GET', await sentBack(browser), fromGoogle);
  }

  function expectRefused(answer: Answer, code: string): void {
    expect([answer.status, answer.headers.location]).toEqual([302, `/?login_failed=${code}`]);
    expect(answer.cookies.filter(({ name }) => name.includes(COOKIE))).toEqual([]);
  }

  function expectLoggedIn(answer: Answer): void {
    expect([answer.status, answer.headers.location]).toEqual([302, '/']);
    expect(answer.cookie()?.attributes).toMatchObject({ httponly: '', samesite: 'Strict' });
  }

  it('a first login makes a user without a password; the page refreshes silently', async () => {
    const browser = new Browser(host.origin);
    expectLoggedIn(await logIn(browser));
    expect([...browser.jar.keys()]).not.toContain(STATE_COOKIE);

    const { createAuthClient } = await import(CLIENT_PACKAGE);
    const auth = createAuthClient({ baseUrl: `${host.origin}/auth`, fetch: fetchOf(browser) });
    expect(await auth.restore()).toMatchObject({ status: 'signed-in' });
    const me = await auth.fetch(`${host.origin}/auth/me`);
    expect(await me.json()).toMatchObject({ email: provider.person.email, name: 'Ada', roles: ['user'] });
    expect(claimsOf(await auth.getAccessToken())).toMatchObject({ amr: ['fed'] });
    auth.close();

    const user = await users().findByEmail(provider.person.email!);
    expect(user).toMatchObject({ passwordHash: null, emailVerifiedAt: expect.any(Date) });
    const guess = { email: user!.email, password: PASSWORD };
    expectError(await host.api().login(guess), 401, 'INVALID_CREDENTIALS');
  });

  it('a second login finds them, also under another address', async () => {
    const first = new Browser(host.origin);
    await logIn(first);
    const { user } = (await first.post('/auth/refresh')).json;
    provider.person = { ...provider.person, email: uniqueEmail(), email_verified: false };
    const second = new Browser(host.origin);
    expectLoggedIn(await logIn(second));
    expect((await second.post('/auth/refresh')).json.user).toEqual(user);
  });

  it('two first logins at once make one user', async () => {
    const [one, two] = [new Browser(host.origin), new Browser(host.origin)];
    for (const answer of await Promise.all([logIn(one), logIn(two)])) expectLoggedIn(answer);
    const [first, second] = [await one.post('/auth/refresh'), await two.post('/auth/refresh')];
    expect(first.json.user.id).toBe(second.json.user.id);
  });

  it('an answer of the provider counts only in the browser that asked, and once', async () => {
    const [asked, other] = [new Browser(host.origin), new Browser(host.origin)];
    const exchanged = provider.exchanged;
    const stolen = await sentBack(asked);
    // That browser asked for no login: this is another person's login, sent as a link.
    expectRefused(await other.send('GET', stolen, fromGoogle), 'GOOGLE_FAILED');
    await sentBack(other);
    expectRefused(await other.send('GET', stolen, fromGoogle), 'GOOGLE_FAILED');
    for (const state of ['', 'x', '&state=a&state=b'])
      expectRefused(
        await asked.send('GET', `${CALLBACK}?code=x&state=${state}`, fromGoogle),
        'GOOGLE_FAILED',
      );
    expect(provider.exchanged).toBe(exchanged);
    expectLoggedIn(await asked.send('GET', stolen, fromGoogle));
    expectRefused(await asked.send('GET', stolen, fromGoogle), 'GOOGLE_FAILED');
  });

  it('goes back to the page if the person declines at the provider, or the provider fails', async () => {
    const browser = new Browser(host.origin);
    const path = await sentBack(browser);
    expectRefused(await browser.send('GET', `${CALLBACK}?error=access_denied`, fromGoogle), 'GOOGLE_FAILED');
    const forged = path.replace(/code=[^&]+/, 'code=forged');
    expectRefused(await browser.send('GET', forged, fromGoogle), 'GOOGLE_FAILED');
  });

  it('an account with a password is linked only if both sides have verified the address', async () => {
    const email = uniqueEmail();
    const known = await users().register({ email, password: PASSWORD });
    provider.person = newPerson({ email: email.toUpperCase(), email_verified: false });
    expectRefused(await logIn(), 'EMAIL_NOT_VERIFIED');
    provider.person = { ...provider.person, email_verified: true };
    // A stranger may have registered it.
    expectRefused(await logIn(), 'EMAIL_NOT_VERIFIED');

    await users().verifyEmail(known.id);
    const browser = new Browser(host.origin);
    expectLoggedIn(await logIn(browser));
    expect((await browser.post('/auth/refresh')).json.user.id).toBe(known.id);
    expect((await host.api().login({ email, password: PASSWORD })).status).toBe(200);
  });

  it('a person without a verified address gets no account, a disabled user no session', async () => {
    provider.person = newPerson({ email_verified: false });
    expectRefused(await logIn(), 'EMAIL_NOT_VERIFIED');
    expect(await users().findByEmail(provider.person.email!)).toBeNull();

    provider.person = newPerson();
    await logIn();
    const user = await users().findByEmail(provider.person.email!);
    await host.app.get(AuthService).disableUser(user!.id);
    expectRefused(await logIn(), 'ACCOUNT_DISABLED');
  });
});

/** `fetch` like a page's, which sends and keeps cookies. */
function fetchOf(browser: Browser): typeof fetch {
  return async (input, init = {}) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const headers = Object.fromEntries(new Headers(init.headers));
    const raw = typeof init.body === 'string' ? init.body : undefined;
    const answer = await browser.send(init.method ?? 'GET', pathname, { raw, headers });
    const type = { 'content-type': String(answer.headers['content-type']) };
    return new Response(answer.text === '' ? null : answer.text, { status: answer.status, headers: type });
  };
}
