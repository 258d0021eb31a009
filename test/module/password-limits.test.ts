import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  AuthError,
  type MailMessage,
  NotificationService,
  type PasswordHasher,
  QueuedPasswordHasher,
  UsersService,
} from '../../src/index.js';
import { ThrottleService } from '../../src/throttle/throttle.service.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  Browser,
  expectError,
  newSession,
  PASSWORD,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';

const WRONG = 'not the password';
const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
const FAILURES = 5;
const ACCOUNT_FAILURES = 7;

describe.each(ADAPTERS)('the cost limits of a password, in a host on %s', (adapter) => {
  let host: HostApp;
  const sent: MailMessage[] = [];

  beforeAll(async () => {
    host = await HostApp.start(adapter, {
      mailer: { send: async (message) => void sent.push(message) },
      throttle: {
        login: { limit: 1000, window: '1m' },
        failures: { limit: FAILURES, window: '15m' },
        accountFailures: { limit: ACCOUNT_FAILURES, window: '15m' },
      },
    });
  });
  afterAll(() => host.stop());
  afterEach(() => {
    jest.restoreAllMocks();
  });

  async function owner() {
    const browser = new Browser(host.origin);
    const email = uniqueEmail();
    return { browser, email, session: sessionOf(await browser.register({ email, password: PASSWORD })) };
  }

  async function reset(browser: Browser, email: string): Promise<void> {
    expect((await browser.post('/auth/forgot-password', { email })).status).toBe(202);
    await host.app.get(NotificationService).idle();
    const link = sent.find(({ kind, to }) => kind === 'password_reset' && to === email);
    const token = link?.kind === 'password_reset' ? link.token : '';
    const answer = await browser.post('/auth/reset-password', { token, newPassword: NEW_PASSWORD });
    expect(answer.status).toBe(204);
  }

  const changePassword = (browser: Browser, token: string, currentPassword: string, newPassword: string) =>
    browser.post('/auth/change-password', { currentPassword, newPassword }, { token });

  it('a new password by a link lets its owner in at once, even if strangers have locked the account', async () => {
    const { email } = await owner();
    const throttle = host.app.get(ThrottleService, { strict: false });
    for (let index = 0; index < ACCOUNT_FAILURES; index += 1) {
      const origin = `address:192.0.2.${index}`;
      await throttle.beginPasswordAttempt({ account: email, origin, device: 'unknown' });
    }
    const [browser, other] = [new Browser(host.origin), new Browser(host.origin)];
    expectError(await browser.login({ email, password: PASSWORD }), 429, 'TOO_MANY_ATTEMPTS');
    await reset(browser, email);
    expect((await browser.login({ email, password: NEW_PASSWORD })).status).toBe(200);
    expectError(await other.login({ email, password: NEW_PASSWORD }), 429, 'TOO_MANY_ATTEMPTS');
  });

  it('a new password by a link resets the failures of an app at the same address, which sends no cookie', async () => {
    const { email } = await owner();
    const login = (password: string) =>
      host.api().login({ email, password, transport: 'body', deviceId: 'phone' });
    expect((await login(PASSWORD)).status).toBe(200);
    for (let guess = 0; guess < FAILURES; guess += 1) await login(WRONG);
    expectError(await login(PASSWORD), 429, 'TOO_MANY_ATTEMPTS');
    await reset(new Browser(host.origin), email);
    expect((await login(NEW_PASSWORD)).status).toBe(200);
  });

  it("a new password by a link resets the owner's failures in the same browser", async () => {
    const { browser, email } = await owner();
    for (let guess = 0; guess < FAILURES; guess += 1) await browser.login({ email, password: WRONG });
    expectError(await browser.login({ email, password: PASSWORD }), 429, 'TOO_MANY_ATTEMPTS');
    await reset(browser, email);
    expect((await browser.login({ email, password: NEW_PASSWORD })).status).toBe(200);
  });

  it('a new password that is too weak costs no hash, and is not a failure', async () => {
    const { browser, session } = await owner();
    const hasher = host.app.get(QueuedPasswordHasher);
    const spies = [jest.spyOn(hasher, 'verify'), jest.spyOn(hasher, 'hash')];
    for (let attempt = 0; attempt < 2 * FAILURES; attempt += 1) {
      const answer = await changePassword(browser, session.accessToken, WRONG, 'short');
      expectError(answer, 400, 'WEAK_PASSWORD');
    }
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  });

  it('a thief with access tokens has as many guesses as anybody, and the owner can change the password', async () => {
    const { browser, email, session } = await owner();
    const stolen = [
      session,
      await anotherSession(host.api(), email),
      await anotherSession(host.api(), email),
    ];
    const statuses: number[] = [];
    for (const { accessToken } of [...stolen, ...stolen, ...stolen])
      statuses.push(
        (await changePassword(new Browser(host.origin), accessToken, WRONG, NEW_PASSWORD)).status,
      );
    expect(statuses.filter((status) => status === 401)).toHaveLength(FAILURES);
    expect(statuses.filter((status) => status === 429)).toHaveLength(9 - FAILURES);
    const changed = await changePassword(browser, session.accessToken, PASSWORD, NEW_PASSWORD);
    expect(changed.status).toBe(200);
  });

  it('a count is kept once a hash was computed, even if something fails afterwards', async () => {
    const session = await newSession(host.api());
    const change = () =>
      changePassword(new Browser(host.origin), session.accessToken, PASSWORD, NEW_PASSWORD);
    const lost = new AuthError('TEMPORARILY_UNAVAILABLE');
    jest.spyOn(host.app.get(UsersService), 'replacePassword').mockRejectedValue(lost);
    for (let attempt = 0; attempt < FAILURES; attempt += 1)
      expectError(await change(), 503, 'TEMPORARILY_UNAVAILABLE');
    expectError(await change(), 429, 'TOO_MANY_ATTEMPTS');
  });

  it('the count is returned if the queue was full', async () => {
    const session = await newSession(host.api());
    const change = () =>
      changePassword(new Browser(host.origin), session.accessToken, PASSWORD, NEW_PASSWORD);
    const full = jest
      .spyOn(host.app.get(QueuedPasswordHasher), 'verify')
      .mockRejectedValue(new AuthError('TEMPORARILY_UNAVAILABLE', { retryAfter: 2 }));
    for (let attempt = 0; attempt < 2 * FAILURES; attempt += 1) {
      const answer = await change();
      expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
      expect(answer.headers['retry-after']).toBe('2');
    }
    full.mockRestore();
    expect((await change()).status).toBe(200);
  });
});

describe.each(ADAPTERS)('the hashing queue, in a host on %s', (adapter) => {
  it('gives one address a quarter, and others the rest', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let isHeld = false;
    const hasher: PasswordHasher = {
      hash: async (password) => {
        if (isHeld) await held;
        return `hash of ${password}`;
      },
      verify: async (password, stored) => (await hasher.hash(password)) === stored,
      needsUpgrade: () => false,
    };
    const host = await HostApp.start(adapter, {
      password: { hasher, hashConcurrency: 1, hashQueueLimit: 8 },
      throttle: { login: { limit: 1000, window: '1m' } },
    });
    try {
      const email = uniqueEmail();
      await newSession(host.api(), { email });
      isHeld = true;
      const login = () => host.api().login({ email: uniqueEmail(), password: PASSWORD });
      const waiting = [login(), login(), login()];
      await eventually(
        async () => host.app.get(QueuedPasswordHasher).stats,
        (now) => now.running + now.waiting === 3,
      );
      const registration = { email: uniqueEmail(), password: PASSWORD };
      for (const refused of [await login(), await host.api().register(registration)]) {
        expectError(refused, 503, 'TEMPORARILY_UNAVAILABLE');
        expect(refused.headers['retry-after']).toBe('2');
      }
      const source = { ip: '192.0.2.1', userAgent: null };
      const elsewhere = host.app.get(UsersService).checkPassword(email, PASSWORD, source);
      release();
      expect((await elsewhere).outcome).toBe('accepted');
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([401, 401, 401]);
    } finally {
      release();
      await host.stop();
    }
  });
});

describe.each(ADAPTERS)('the limit of an address, in a host on %s', (adapter) => {
  it('applies to every route that can compute a hash', async () => {
    const host = await HostApp.start(adapter, {
      mailer: { send: async () => undefined },
      throttle: { login: { limit: 1, window: '1h' } },
    });
    try {
      const { accessToken: token } = await newSession(host.api());
      const routes = ['register', 'login', 'change-password', 'reset-password', 'forgot-password'];
      for (const route of routes)
        expectError(await host.api().post(`/auth/${route}`, {}, { token }), 429, 'TOO_MANY_ATTEMPTS');
    } finally {
      await host.stop();
    }
  });
});

describe.each(ADAPTERS)('with anomaly.action revoke-user, in a host on %s', (adapter) => {
  let host: HostApp;
  beforeAll(async () => {
    host = await HostApp.start(adapter, {
      anomaly: { action: 'revoke-user' },
      throttle: { login: { limit: 1000, window: '1m' } },
    });
  });
  afterAll(() => host.stop());

  const guess = async (email: string) => {
    for (let attempt = 0; attempt < 6; attempt += 1)
      expectError(await host.api().login({ email, password: WRONG }), 401, 'INVALID_CREDENTIALS');
  };

  it('guessing from the same address neither refuses the owner on a trusted device nor ends a session', async () => {
    const browser = new Browser(host.origin);
    const email = uniqueEmail();
    const before = sessionOf(await browser.register({ email, password: PASSWORD }));
    const phone = await anotherSession(host.api(), email, { deviceId: 'phone' });
    await guess(email);
    expect((await browser.login({ email, password: PASSWORD })).status).toBe(200);
    const app = { email, password: PASSWORD, transport: 'body', deviceId: 'phone' };
    expect((await host.api().login(app)).status).toBe(200);
    for (const { accessToken } of [before, phone])
      expect((await host.api().me(accessToken)).status).toBe(200);
    // On any other device at that address the right password may have been guessed.
    expectError(await host.api().login({ email, password: PASSWORD }), 403, 'SUSPICIOUS_ACTIVITY');
  });

  it('guessing at one account makes no login to another suspicious', async () => {
    const [victim, neighbour] = [await newSession(host.api()), await newSession(host.api())];
    await guess(victim.email);
    expect(
      (await new Browser(host.origin).login({ email: neighbour.email, password: PASSWORD })).status,
    ).toBe(200);
  });
});
