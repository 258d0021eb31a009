import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AuthEventBus,
  type AuthEvents,
  AuthService,
  type MailMessage,
  NotificationService,
} from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  type Answer,
  Browser,
  expectError,
  PASSWORD,
  type Session,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';

const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
/** Browsers of different kinds or platforms: only the cookie can identify such a device as known. */
const chrome = (platform: string) =>
  `Mozilla/5.0 (${platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36`;
const firefox = (platform: string) => `Mozilla/5.0 (${platform}; rv:143.0) Gecko/20100101 Firefox/143.0`;
const LINUX = 'X11; Linux x86_64';
const WINDOWS = 'Windows NT 10.0; Win64; x64';
const MAC = 'Macintosh; Intel Mac OS X 10_15_7';
const CHROME = chrome(LINUX);
const FIREFOX = firefox(WINDOWS);
const as = (userAgent: string) => ({ headers: { 'user-agent': userAgent } });

const browser = (host: HostApp, userAgent: string) => new Browser(host.origin, { 'user-agent': userAgent });

describe.each(ADAPTERS)('a device after its account was recovered, in a host on %s', (adapter) => {
  let host: HostApp;
  let sent: MailMessage[];
  let firstSeen: AuthEvents['device.first_seen'][];

  beforeAll(async () => {
    host = await HostApp.start(adapter, { mailer: { send: async (message) => void sent.push(message) } });
    host.app.get(AuthEventBus).on('device.first_seen', (event) => firstSeen.push(event));
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    sent = [];
    firstSeen = [];
  });

  const isReported = (session: Session) => firstSeen.some(({ sessionId }) => sessionId === session.id);
  async function expectReported(session: Session): Promise<void> {
    const wasReported = await eventually(
      async () => isReported(session),
      (yes) => yes,
    );
    expect(wasReported).toBe(true);
  }

  async function reset(owner: Browser, email: string): Promise<void> {
    await owner.post('/auth/forgot-password', { email });
    await host.app.get(NotificationService).idle();
    const link = sent.find(({ kind }) => kind === 'password_reset');
    const token = link?.kind === 'password_reset' ? link.token : '';
    expect((await owner.post('/auth/reset-password', { token, newPassword: NEW_PASSWORD })).status).toBe(204);
  }

  const changePassword = async (owner: Browser, { accessToken: token }: Session) => {
    const body = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    expect((await owner.post('/auth/change-password', body, { token })).status).toBe(200);
  };

  /** A user, and a thief who has logged in with the user's password. */
  async function robbed() {
    const [owner, thief] = [browser(host, CHROME), browser(host, FIREFOX)];
    const email = uniqueEmail();
    const session = sessionOf(await owner.register({ email, password: PASSWORD }));
    await expectReported(sessionOf(await thief.login({ email, password: PASSWORD })));
    // From then on the thief's device is known, and the user is not notified about it.
    const again = sessionOf(await thief.login({ email, password: PASSWORD }, as(firefox(LINUX))));
    return { owner, thief, email, session, again };
  }

  it.each<[string, (owner: Browser, session: Session) => Promise<unknown>, string]>([
    ['a change of password', changePassword, NEW_PASSWORD],
    ['a new password by a link', (owner, { email }) => reset(owner, email), NEW_PASSWORD],
    [
      'a logout everywhere',
      (owner, { accessToken: token }) => owner.send('POST', '/auth/logout-all', { token }),
      PASSWORD,
    ],
    [
      'an administrator’s end of all sessions',
      (_owner, { userId }) => host.app.get(AuthService).logoutEverywhere(userId, null, 'admin'),
      PASSWORD,
    ],
  ])('is reported as new after %s', async (_case, act, password) => {
    const { owner, thief, email, session, again } = await robbed();
    await act(owner, session);
    const returned = sessionOf(await thief.login({ email, password }, as(chrome(WINDOWS))));
    await expectReported(returned);
    expect(isReported(again)).toBe(false);
    // After the report it is known again.
    const familiar = sessionOf(await thief.login({ email, password }, as(chrome(MAC))));
    const stranger = sessionOf(await browser(host, firefox(MAC)).login({ email, password }));
    await expectReported(stranger);
    expect(isReported(familiar)).toBe(false);
  });

  it.each<[string, (owner: Browser, session: Session) => Promise<unknown>]>([
    ['a change of password', changePassword],
    ['a new password by a link', (owner, { email }) => reset(owner, email)],
  ])('stays known if its owner made %s on it', async (_case, act) => {
    const { owner, thief, email, session } = await robbed();
    await act(owner, session);
    const back = sessionOf(await owner.login({ email, password: NEW_PASSWORD }, as(chrome(MAC))));
    await expectReported(sessionOf(await thief.login({ email, password: NEW_PASSWORD })));
    expect(isReported(back)).toBe(false);
  });

  it.each([
    ['invalid cookie characters', '%F0%9F%92%A5%0A%20%2C'],
    ['more of them than a browser keeps', 'x'.repeat(2000)],
  ])('gets a cookie again at login after an attacker has replaced it with %s', async (_case, code) => {
    const email = uniqueEmail();
    const user = browser(host, CHROME);
    sessionOf(await user.register({ email, password: PASSWORD }));
    const good = user.jar.get('device') ?? '';
    user.jar.set('device', `${good}.${code}`);
    sessionOf(await user.login({ email, password: PASSWORD }));
    // The same device, and nothing of the attacker's.
    expect(user.jar.get('device')).toBe(good);
  });

  it('becomes known by a mailed link, and the user is notified of the new password', async () => {
    const { email } = await robbed();
    const fresh = browser(host, firefox(MAC));
    await reset(fresh, email);
    expect([...fresh.jar.keys()]).toEqual(['device']);
    const session = sessionOf(await fresh.login({ email, password: NEW_PASSWORD }));
    await expectReported(
      sessionOf(await browser(host, chrome(MAC)).login({ email, password: NEW_PASSWORD })),
    );
    expect(isReported(session)).toBe(false);
    expect(sent.map(({ kind }) => kind)).toContain('password_changed');
  });
});

type Guesser = (email: string, password: string) => Promise<Answer>;

describe('guesses on a formerly known device', () => {
  let host: HostApp;
  beforeAll(async () => {
    host = await HostApp.start('express', {
      refreshToken: { allowBodyTransport: true },
      throttle: { login: { limit: 1000, window: '1m' }, accountFailures: { limit: 7, window: '15m' } },
    });
  });
  afterAll(() => host.stop());

  async function changed() {
    const [laptop, phone] = [browser(host, CHROME), browser(host, FIREFOX)];
    const email = uniqueEmail();
    const { accessToken: token } = sessionOf(await laptop.register({ email, password: PASSWORD }));
    sessionOf(await phone.login({ email, password: PASSWORD }));
    const body = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    expect((await laptop.post('/auth/change-password', body, { token })).status).toBe(200);
    return { laptop, phone, email };
  }

  it('count as evidence when one is right, as from an unknown device', async () => {
    const suspected: AuthEvents['activity.suspected'][] = [];
    host.app.get(AuthEventBus).on('activity.suspected', (event) => suspected.push(event));
    const { laptop, phone, email } = await changed();
    for (const device of [laptop, phone]) {
      for (let index = 0; index < 6; index += 1)
        expectError(await device.login({ email, password: PASSWORD }), 401, 'INVALID_CREDENTIALS');
      expect((await device.login({ email, password: NEW_PASSWORD })).status).toBe(200);
    }
    const seen = await eventually(
      async () => suspected,
      ({ length }) => length > 0,
    );
    expect(seen).toMatchObject([{ rule: 'login_after_failures', source: { userAgent: FIREFOX } }]);
  });

  it('from unknown devices do not lock it out: an attacked user can log in on every known device', async () => {
    const { laptop, phone, email } = await changed();
    const stranger = browser(host, firefox(MAC));
    for (let index = 0; index < 7; index += 1) await stranger.login({ email, password: PASSWORD });
    expectError(await stranger.login({ email, password: NEW_PASSWORD }), 429, 'TOO_MANY_ATTEMPTS');
    for (const device of [laptop, phone])
      expect((await device.login({ email, password: NEW_PASSWORD })).status).toBe(200);
  });

  it.each<[string, (email: string, index: number) => Guesser]>([
    [
      'with the cookies of many logins',
      () => {
        const thief = browser(host, firefox(MAC));
        return (email, password) => thief.login({ email, password });
      },
    ],
    [
      'under many device ids',
      (_email, index) => (email, password) =>
        host.api().login({ email, password, transport: 'body', deviceId: `thief-${index}` }),
    ],
  ])(
    'of a thief who has prepared for it, %s, have the same limit as an unknown device',
    async (_case, guesserOf) => {
      const laptop = browser(host, CHROME);
      const email = uniqueEmail();
      const { accessToken: token } = sessionOf(await laptop.register({ email, password: PASSWORD }));
      const guessers = [0, 1, 2].map((index) => guesserOf(email, index));
      for (const guess of guessers) expect((await guess(email, PASSWORD)).status).toBe(200);
      const body = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
      expect((await laptop.post('/auth/change-password', body, { token })).status).toBe(200);
      const statuses: number[] = [];
      for (const guess of [...guessers, ...guessers, ...guessers])
        statuses.push((await guess(email, PASSWORD)).status);
      expect(statuses).toEqual([...Array<number>(7).fill(401), 429, 429]);
      // Neither the device with the change nor a new one is affected by the other guesses.
      expect((await laptop.login({ email, password: NEW_PASSWORD })).status).toBe(200);
      const stranger = browser(host, chrome(WINDOWS));
      expect((await stranger.login({ email, password: NEW_PASSWORD })).status).toBe(200);
    },
  );
});
