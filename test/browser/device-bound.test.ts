import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { AuthEventBus, AuthModule } from '../../src/index.js';
import { TestClock } from '../../src/testing/index.js';
import { eventually } from '../support/eventually.js';
import { authOptions, HostApp } from '../support/host-app.js';
import { PASSWORD, uniqueEmail } from '../support/http.js';
import { BoundChromium, SecureFront } from './support/bound-world.js';
import { describeInBrowser } from './support/chromium.js';

const REFRESH = '/auth/refresh';
const RENEW = '/auth/device-bound-session/renew';
const REGISTERED = 'POST /auth/device-bound-session 200';
const CHALLENGED = `POST ${RENEW} 403`;
const RENEWED = `POST ${RENEW} 200`;
const BOUND_COOKIE = '__Host-refresh_token_bound';

describeInBrowser('device-bound sessions in Chromium', () => {
  const clock = new TestClock();
  const opened: BoundChromium[] = [];
  let host: HostApp;
  let front: SecureFront;
  let failures: string[];

  beforeAll(async () => {
    front = await SecureFront.open();
    const { frontEnd } = front;
    const options = authOptions({
      clock,
      trustedOrigins: (origin) => origin === frontEnd,
      refreshToken: { deviceBound: 'optional', cookie: { secure: true } },
    });
    host = await HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] }, undefined, (app) =>
      app.enableCors({ credentials: true, origin: frontEnd }),
    );
    host.app.get(AuthEventBus).on('refresh_token.proof_failed', ({ reason }) => failures.push(reason));
    front.leadTo(host.origin);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((browser) => browser.close()));
    front.failing.clear();
    front.seen.length = 0;
  });
  afterAll(async () => {
    await front?.close();
    await host?.stop();
  });

  async function start(): Promise<BoundChromium> {
    failures = [];
    const browser = await BoundChromium.start(front);
    opened.push(browser);
    return browser;
  }

  /** Waits until the browser has registered a key since `before`, and returns how many the service has seen. */
  const registrations = async (browser: BoundChromium, before = 0) => {
    const registered = await eventually(
      async () => browser.registered,
      (count) => count > before,
    );
    expect(registered).toBe(before + 1);
    return front.count(REGISTERED);
  };

  /** Signs in, and refreshes once so that the session is bound. */
  async function bound(user = { email: uniqueEmail(), password: PASSWORD }): Promise<BoundChromium> {
    const browser = await start();
    expect(await browser.post('/auth/register', user)).toMatchObject({ status: 201 });
    expect(await registrations(browser)).toBe(1);
    expect(await browser.post(REFRESH)).toMatchObject({ status: 200 });
    return browser;
  }

  const boundCookies = async (browser: BoundChromium) =>
    (await browser.cookies()).filter(({ name }) => name === BOUND_COOKIE).length;

  it('a login registers a key, and a refresh without the bound cookie waits for a proof of the key', async () => {
    const browser = await bound();
    const lines = () => front.seen.map(({ line }) => line).filter((line) => !line.includes('favicon'));
    expect(lines().slice(1)).toEqual([REGISTERED, CHALLENGED, RENEWED, `POST ${REFRESH} 200`]);
    // Nothing waits while the bound cookie is valid, and requests other than a refresh never wait.
    expect(await browser.post(REFRESH)).toMatchObject({ status: 200 });
    await browser.dropCookie(BOUND_COOKIE);
    expect(await browser.post('/auth/logout-all')).toMatchObject({ code: 'ACCESS_TOKEN_MISSING' });
    expect(front.count(RENEWED)).toBe(1);
    expect(await browser.post(REFRESH)).toMatchObject({ status: 200 });
    expect(front.count(RENEWED)).toBe(2);
    expect(failures).toEqual([]);
  });

  it('a thief with every cookie gets nothing once the bound cookie has expired, and the owner stays signed in', async () => {
    const owner = await bound();
    const thief = await start();
    await thief.takeCookiesOf(owner);
    expect(await boundCookies(thief)).toBe(1);
    clock.advance('5m');
    expect(await thief.post(REFRESH)).toMatchObject({
      status: 401,
      code: 'PROOF_REQUIRED',
      retryAfter: null,
    });
    expect(failures).toEqual(['device_unproven']);
    await owner.dropCookie(BOUND_COOKIE);
    expect(await owner.post(REFRESH)).toMatchObject({ status: 200 });
    clock.advance('5m');
    expect(await thief.post(REFRESH)).toMatchObject({ status: 401, code: 'PROOF_REQUIRED' });
    await owner.dropCookie(BOUND_COOKIE);
    expect(await owner.post(REFRESH)).toMatchObject({ status: 200 });
  });

  it('an outage during a renewal ends no session: the browser reports the failure and succeeds later', async () => {
    const browser = await bound();
    await browser.dropCookie(BOUND_COOKIE);
    front.failing.add(RENEW);
    expect(await browser.post(REFRESH)).toMatchObject({
      status: 401,
      code: 'PROOF_REQUIRED',
      retryAfter: '5',
    });
    expect(front.seen.at(-1)?.skipped).toBe('server_error');
    expect(failures).toEqual(['device_skipped']);
    front.failing.clear();
    const answer = await eventually(
      () => browser.post(REFRESH),
      ({ status }) => status === 200,
    );
    expect(answer.status).toBe(200);
  });

  it('a logout ends the device-bound session, and a new login binds another', async () => {
    const user = { email: uniqueEmail(), password: PASSWORD };
    const browser = await bound(user);
    expect(await browser.post('/auth/logout')).toMatchObject({ status: 204 });
    expect(await boundCookies(browser)).toBe(0);
    expect(await browser.post(REFRESH)).toMatchObject({ code: 'REFRESH_TOKEN_MISSING' });
    front.seen.length = 0;
    expect(await browser.post('/auth/login', user)).toMatchObject({ status: 200 });
    expect(await registrations(browser, 1)).toBe(1);
    expect(await browser.post(REFRESH)).toMatchObject({ status: 200 });
    expect(front.count(RENEWED)).toBe(1);
    expect(await boundCookies(browser)).toBe(1);
  });

  it('refreshes from a page of another origin wait for the proof as well', async () => {
    const browser = await start();
    await browser.visit(front.frontEnd);
    const user = { email: uniqueEmail(), password: PASSWORD };
    expect(await browser.post('/auth/register', user)).toMatchObject({ status: 201 });
    expect(await registrations(browser)).toBe(1);
    for (const renewals of [1, 2]) {
      expect(await browser.post(REFRESH)).toMatchObject({ status: 200 });
      expect(front.count(RENEWED)).toBe(renewals);
      await browser.dropCookie(BOUND_COOKIE);
    }
  });

  it('a browser that restarts proves its key again', async () => {
    const browser = await bound();
    await browser.restart();
    await browser.dropCookie(BOUND_COOKIE);
    expect(await browser.post(REFRESH)).toMatchObject({ status: 200 });
    expect(front.count(RENEWED)).toBe(2);
  });
});
