import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthModule, type AuthOptions, KeyRing } from '../../src/index.js';
import { databaseUri } from '../support/database.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  type Answer,
  COOKIE,
  expectCookieCleared,
  expectCookieLeftAlone,
  expectError,
  expectNoContent,
  newSession,
  PASSWORD,
  type Session,
  sessionOf,
} from '../support/http.js';
import { resign } from '../support/tokens.js';

const HINT = `${COOKIE}_hint`;
const secret = () => randomBytes(36).toString('base64url');

const cookieHeader = (...tokens: string[]) => ({
  headers: { cookie: tokens.map((token) => `${COOKIE}=${token}`).join('; ') },
});
const inCookies = { transport: 'cookie' };

describe.each(ADAPTERS)('several refresh cookies of one name, on %s', (adapter) => {
  let host: HostApp;
  let foreign: HostApp;
  beforeAll(async () => {
    host = await HostApp.start(adapter);
    foreign = await HostApp.start(adapter, { issuer: 'https://other.example.com' });
  });
  afterAll(async () => {
    await host.stop();
    await foreign.stop();
  });

  const refresh = (...tokens: string[]) => host.api().send('POST', '/auth/refresh', cookieHeader(...tokens));
  const logout = (...tokens: string[]) => host.api().send('POST', '/auth/logout', cookieHeader(...tokens));
  const login = () => newSession(host.api(), inCookies);
  /** A newer session of the same user, a second later by its `iat`. */
  const later = async ({ email }: Session) => {
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    return anotherSession(host.api(), email, inCookies);
  };
  const isLive = async ({ refreshToken }: Session) => (await refresh(refreshToken)).status === 200;

  it('of one session, the newest generation counts, in any order', async () => {
    const old = await login();
    const current = sessionOf(await refresh(old.refreshToken));
    const next = sessionOf(await refresh(old.refreshToken, current.refreshToken));
    expect(sessionOf(await refresh(next.refreshToken, old.refreshToken)).id).toBe(old.id);
  });

  it('of several sessions, the latest one counts, and an ended one next to it does no harm', async () => {
    const old = await login();
    expectNoContent(await logout(old.refreshToken));
    const current = await later(old);
    const answer = await refresh(old.refreshToken, current.refreshToken);
    expect(sessionOf(answer).id).toBe(current.id);
    expect(answer.cookie()?.value).not.toBe('');
  });

  it.each(['junk', 'a.b.c', '%00', `${'x'.repeat(3000)}`])(
    'junk of a sibling host is skipped: %.20s',
    async (junk) => {
      const session = await login();
      const answer = await refresh(junk, session.refreshToken);
      expect(sessionOf(answer).id).toBe(session.id);
    },
  );

  it('clears no cookie while there is another one that it may not clear', async () => {
    const old = await login();
    const newer = await later(old);
    expectNoContent(await logout(newer.refreshToken));
    const answer = await refresh(old.refreshToken, newer.refreshToken);
    expectError(answer, 401, 'SESSION_REVOKED');
    expectCookieLeftAlone(answer);
    expectCookieLeftAlone(await refresh('junk', newer.refreshToken));
    expectCookieCleared(await refresh(newer.refreshToken));
  });

  it('a logout ends the sessions of all valid ones', async () => {
    const sessions = [await login(), await login()];
    const [one, two] = sessions as [Session, Session];
    const answer = await logout(one.refreshToken, 'junk', two.refreshToken);
    expectNoContent(answer);
    expectCookieCleared(answer);
    expect(await Promise.all(sessions.map(isLive))).toEqual([false, false]);
  });

  it.each<[string, () => Promise<string>]>([
    ['another service', async () => (await newSession(foreign.api(), inCookies)).refreshToken],
    ['an unknown service', async () => 'junk'],
    ['a forger', async () => resign((await login()).refreshToken, secret())],
  ])('a cookie of %s is refused and kept, at refresh and at logout', async (_whose, tokenOf) => {
    const token = await tokenOf();
    const answers = [await refresh(token), await logout(token)] as [Answer, Answer];
    for (const answer of answers) expectCookieLeftAlone(answer);
    expect(answers.map(({ status }) => status)).toEqual([401, 204]);
    expect(answers[0].json.code).toBe('REFRESH_TOKEN_INVALID');
  });

  it('a cross-site refusal keeps the cookie', async () => {
    const { refreshToken } = await login();
    const headers = { ...cookieHeader(refreshToken).headers, origin: 'https://evil.example' };
    const answer = await host.api().send('POST', '/auth/refresh', { headers });
    expectError(answer, 403, 'CROSS_SITE_REQUEST');
    expectCookieLeftAlone(answer);
  });

  it('of several device cookies, the one that knows the account counts', async () => {
    const { email, refreshToken } = await login();
    expect(refreshToken).toBeTruthy();
    const devices = await Promise.all(
      [1, 2].map(async () => {
        const answer = await host.api().login({ email, password: PASSWORD });
        return answer.cookie('device')?.value ?? '';
      }),
    );
    const stranger = (await host.api().register({ email: `x${email}`, password: PASSWORD })).cookie(
      'device',
    )?.value;
    const [known] = devices;
    for (const cookie of [`device=${stranger}; device=${known}`, `device=${known}; device=${stranger}`]) {
      const answer = await host.api().login({ email, password: PASSWORD }, { headers: { cookie } });
      expect(answer.cookie('device')?.value.split('.')[0]).toBe(known?.split('.')[0]);
    }
  });

  it('the readable hint is set and cleared with the refresh cookie', async () => {
    const answer = await host.api().register({ email: `hint${secret()}@example.com`, password: PASSWORD });
    const [cookie, hint] = [answer.cookie(), answer.cookie(HINT)];
    expect(hint).toMatchObject({ value: '1', attributes: { path: '/', samesite: 'Strict' } });
    expect(hint?.attributes).not.toHaveProperty('httponly');
    expect(hint?.attributes['max-age']).toBe(cookie?.attributes['max-age']);
    const ended = await logout(cookie?.value ?? '');
    expectCookieCleared(ended);
    expectCookieCleared(ended, HINT);
    const refused = await refresh(cookie?.value ?? '');
    expectCookieCleared(refused, HINT);
    expect((await refresh('junk')).cookies).toEqual([]);
  });
});

describe('the attributes of the cookie', () => {
  it('name, prefix, path and partition are as configured; the hint is readable on every page', async () => {
    const cookie = {
      name: 'shop',
      path: '/auth',
      secure: true,
      sameSite: 'none',
      partitioned: true,
    } as const;
    const host = await HostApp.start('express', { refreshToken: { cookie } });
    try {
      const answer = await host.api().register({ email: 'a@example.com', password: PASSWORD });
      const attributes = { secure: '', samesite: 'None', partitioned: '' };
      expect(answer.cookie('__Secure-shop')?.attributes).toMatchObject({
        ...attributes,
        path: '/auth',
        httponly: '',
      });
      expect(answer.cookie('shop_hint')?.attributes).toMatchObject({ ...attributes, path: '/' });
    } finally {
      await host.stop();
    }
  });
});

describe('two processes whose key rings change', () => {
  const [oldKey, newKey] = [secret(), secret()];
  const access = [secret()];
  let hosts: HostApp[] = [];

  const start = async (over: Partial<AuthOptions> = {}) => {
    const uri = databaseUri('rings');
    const options = authOptions({ keys: { access, refresh: [oldKey] }, ...over });
    const one = async () => HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] }, uri);
    hosts = [await one(), await one()];
    return hosts as [HostApp, HostApp];
  };
  afterEach(async () => {
    await hosts[1]?.app.close();
    await hosts[0]?.stop();
  });
  const setKeys = (host: HostApp, ...refresh: string[]) =>
    void host.app.get(KeyRing, { strict: false }).replace({ access, refresh });
  const refresh = (host: HostApp, token: string) =>
    host.api().send('POST', '/auth/refresh', cookieHeader(token));

  it('in the documented order: no refresh fails at any step', async () => {
    const [a, b] = await start();
    let { refreshToken } = await newSession(a.api(), inCookies);
    const steps = [[oldKey], [oldKey, newKey], [newKey, oldKey], [newKey]];
    for (const step of steps)
      for (const changed of [a, b]) {
        setKeys(changed, ...step);
        for (const asked of [a, b]) ({ refreshToken } = sessionOf(await refresh(asked, refreshToken)));
      }
  });

  it('in the wrong order, the new key first at different times: a retry is needed, and nobody is logged out', async () => {
    const [a, b] = await start();
    const session = await newSession(a.api(), inCookies);
    setKeys(a, newKey, oldKey);
    const { refreshToken } = sessionOf(await refresh(a, session.refreshToken));
    const refused = await refresh(b, refreshToken);
    expectError(refused, 401, 'REFRESH_TOKEN_INVALID');
    expect(refused.headers['retry-after']).toBe('1');
    expectCookieLeftAlone(refused);
    expect((await refresh(a, refreshToken)).status).toBe(200);
    setKeys(b, newKey, oldKey);
    expect((await refresh(b, refreshToken)).status).toBe(200);
  });

  it('a removed key is not an unknown key: its older tokens are refused for good', async () => {
    let aheadMs = 0;
    const [a] = await start({ clock: { now: () => Date.now() + aheadMs } });
    const { refreshToken } = await newSession(a.api(), inCookies);
    setKeys(a, newKey);
    aheadMs = 17 * 60_000;
    const refused = await refresh(a, refreshToken);
    expectError(refused, 401, 'REFRESH_TOKEN_INVALID');
    expectCookieLeftAlone(refused);
  });
});
