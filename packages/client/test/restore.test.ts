/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import type { AuthState } from '../src/index.js';
import { gate, refusal } from './support/auth-server.js';
import { ADA, GRACE, statusOf, until, userOf } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

describe('restore', () => {
  it('gives the user that the cookie stands for', async () => {
    await on.signedIn();
    const { auth } = on.browser.tab();
    expect(auth.getState().status).toBe('unknown');
    expect(await auth.restore()).toMatchObject({ status: 'signed-in', user: { id: ADA.email } });
    expect(auth.getState()).toMatchObject({ session: { id: 's1', generation: 1 } });
  });

  it('without a cookie gives signed-out, and calls nobody', async () => {
    const tab = on.browser.tab();
    expect(await tab.auth.restore()).toMatchObject({ status: 'signed-out', user: null });
    expect(tab.signedOut).toEqual([]);
  });

  describe('on the origin of the service', () => {
    const tabWith = (cookies: string) => on.browser.tab({}, { home: `${on.server.origin}/`, cookies });
    const refreshes = () => on.server.count('/auth/refresh');

    it('finds a session that began before the service set a hint', async () => {
      await on.signedIn();
      expect((await tabWith('').auth.restore()).status).toBe('signed-in');
      // Nor does one answer settle it: a service may still set none.
      expect((await tabWith('').auth.restore()).status).toBe('signed-in');
    });

    it('asks once for a visitor who never signed in, and then only where there is a hint', async () => {
      for (let i = 0; i < 3; i++) expect((await tabWith('').auth.restore()).status).toBe('signed-out');
      expect(refreshes()).toBe(1);
      await tabWith('refresh_token_hint=1').auth.restore();
      await tabWith('').auth.restore({ force: true });
      expect(refreshes()).toBe(3);
    });

    it('asks nobody where the application says that the hint is enough', async () => {
      expect((await tabWith('').auth.restore({ force: false })).status).toBe('signed-out');
      expect(refreshes()).toBe(0);
    });

    it('asks nobody after a logout, and again after a login', async () => {
      const tab = tabWith('');
      await tab.auth.login(ADA);
      await tab.auth.logout();
      await tabWith('').auth.restore();
      expect(refreshes()).toBe(0);
      await tab.auth.login(ADA);
      expect((await tabWith('').auth.restore()).status).toBe('signed-in');
    });

    it('asks again where no answer came', async () => {
      on.server.answer('/auth/refresh', { isLost: true });
      const tab = tabWith('');
      const restored = tab.auth.restore();
      await tab.host.passTimer(375);
      expect((await restored).status).toBe('signed-out');
      expect(refreshes()).toBe(2);
    });

    it('asks every time where the browser keeps no notes', async () => {
      const page = { home: `${on.server.origin}/`, cookies: '', notes: undefined };
      for (let i = 0; i < 2; i++) await on.browser.tab({}, page).auth.restore();
      expect(refreshes()).toBe(2);
    });
  });

  it('tells why a session that there was has ended', async () => {
    on.browser.jar.cookies.set('refresh_token', 's9.0');
    const tab = on.browser.tab();
    await tab.auth.restore();
    expect(tab.signedOut).toEqual(['REFRESH_TOKEN_UNKNOWN']);
  });

  it('rejects where nobody answers; the state stays unknown, and it is asked again in time', async () => {
    await on.signedIn();
    const tab = on.browser.tab();
    const wait = { ...refusal(503, 'TEMPORARILY_UNAVAILABLE'), headers: { 'retry-after': '9' } };
    on.server.answer('/auth/refresh', wait);
    await expect(tab.auth.restore()).rejects.toMatchObject({
      code: 'TEMPORARILY_UNAVAILABLE',
      retryAfter: 9,
    });
    expect(statusOf(tab)).toBe('unknown');
    await tab.host.passTimer(9000);
    await until(() => statusOf(tab) === 'signed-in');
  });

  it('called twice asks once, and asks nothing where it is known', async () => {
    await on.signedIn();
    const { auth } = on.browser.tab();
    await Promise.all([auth.restore(), auth.restore()]);
    await auth.restore();
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('in ten tabs at once asks the server once: the others take the token', async () => {
    await on.signedIn();
    const tabs = Array.from({ length: 10 }, () => on.browser.tab());
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const restoring = Promise.all(tabs.map(({ auth }) => auth.restore()));
    await until(() => on.browser.locks.waiters === 9);
    for (const { host } of tabs) host.pass(100);
    open();
    await until(() => tabs.every((tab) => statusOf(tab) === 'signed-in'));
    const states = await restoring;
    expect(new Set(states.map(({ status }) => status))).toEqual(new Set(['signed-in']));
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('gives signed-out where the end of the session is told by another tab meanwhile', async () => {
    const first = await on.signedIn();
    const second = on.browser.tab();
    const { opened, open } = gate();
    on.server.answer('/auth/refresh', { ...refusal(401, 'SESSION_REVOKED'), after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const refused = (await first.auth.getAccessToken()) ?? '';
    const ended = first.auth.getAccessToken({ refused });
    await arrived;
    on.server.answer('/auth/refresh', { isLost: true }, { isLost: true });
    const restoring = second.auth.restore();
    await until(() => on.browser.locks.waiters === 1);
    open();
    expect(await ended).toBeNull();
    expect((await restoring).status).toBe('signed-out');
  });

  it('without a cookie says nothing of the user whom another tab holds', async () => {
    const first = await on.signedIn();
    on.browser.jar.cookies.clear();
    const second = on.browser.tab();
    await second.auth.restore();
    // What a later tab tells arrives after what this one would have told.
    await on.browser.tab().auth.login(GRACE);
    await until(() => userOf(first) === GRACE.email);
    expect(first.signedOut).toEqual([]);
  });

  it('that was not answered is asked again when the page is shown again', async () => {
    await on.signedIn();
    const tab = on.browser.tab();
    const wait = { ...refusal(503, 'TEMPORARILY_UNAVAILABLE') };
    on.server.answer('/auth/refresh', wait, wait, wait);
    const failed = tab.auth.restore().catch((error: unknown) => error);
    await tab.host.passTimer(375);
    await tab.host.passTimer(750);
    expect(await failed).toMatchObject({ status: 503 });
    tab.host.show(false);
    tab.host.show(true);
    await until(() => statusOf(tab) === 'signed-in');
  });

  describe('of a page that a server rendered', () => {
    /** Ada's state, as the server that rendered a page gives it: it has refreshed, and this browser has the cookie. */
    const rendered = async (): Promise<AuthState> => {
      const server = on.browser.tab();
      await server.auth.login(ADA);
      server.auth.close();
      return JSON.parse(JSON.stringify(server.auth.getState())) as AuthState;
    };
    const refreshes = () => on.server.count('/auth/refresh');

    it('takes over who is signed in, asks nobody, and asks for a token when one is needed', async () => {
      const initialState = await rendered();
      const tab = on.browser.tab();
      const heard: AuthState[] = [];
      tab.auth.subscribe((state) => heard.push(state));
      expect(await tab.auth.restore({ initialState })).toBe(initialState);
      expect(heard.at(-1)).toBe(initialState);
      await tab.auth.restore({ initialState });
      await tab.auth.restore();
      tab.host.show(true);
      tab.host.pass(3_600_000);
      expect({ refreshes: refreshes(), timers: tab.host.timers.size }).toEqual({ refreshes: 0, timers: 0 });
      const [first, second] = await Promise.all([tab.auth.getAccessToken(), tab.auth.getAccessToken()]);
      expect(first).toBe(second);
      expect(refreshes()).toBe(1);
      // The same user is the same object: effects that depend on it do not run again.
      expect(tab.auth.getState().user).toBe(initialState.user);
      expect(tab.host.timers.size).toBe(1);
    });

    it('asks at once where the tabs know a newer generation: the page has brought back an older cookie', async () => {
      const initialState = await rendered();
      let record = { session: 's1', generation: 1 };
      on.browser.records = () => ({ update: async (change) => (record = change(record) as typeof record) });
      const late = on.browser.tab();
      await late.auth.restore({ initialState });
      expect({ refreshes: refreshes(), status: statusOf(late) }).toEqual({
        refreshes: 1,
        status: 'signed-in',
      });
      await late.auth.restore({ initialState });
      expect(refreshes()).toBe(1);
    });

    it('learns of the end of the session when it first asks', async () => {
      const initialState = await rendered();
      const tab = on.browser.tab();
      await tab.auth.restore({ initialState });
      on.server.answer('/auth/refresh', refusal(401, 'SESSION_REVOKED'));
      expect(await tab.auth.getAccessToken()).toBeNull();
      expect(tab.signedOut).toEqual(['SESSION_REVOKED']);
    });

    it('hears of a logout in another tab, and is heard', async () => {
      const initialState = await rendered();
      const tabs = [on.browser.tab(), on.browser.tab()] as const;
      for (const { auth } of tabs) await auth.restore({ initialState });
      await tabs[0].auth.logout();
      await until(() => tabs[1].signedOut.length > 0);
      expect([tabs[0].signedOut, tabs[1].signedOut]).toEqual([['LOGOUT'], ['LOGOUT']]);
      expect({ logouts: on.server.count('/auth/logout'), refreshes: refreshes() }).toEqual({
        logouts: 1,
        refreshes: 0,
      });
      expect(on.browser.jar.cookies.has('refresh_token')).toBe(false);
    });

    it('completes a logout of which the server has not heard, whatever was rendered', async () => {
      const initialState = await rendered();
      const tab = on.browser.tab();
      await tab.auth.restore({ initialState });
      on.server.answer('/auth/logout', { isLost: true });
      await tab.auth.logout().catch(() => undefined);
      const next = on.browser.tab();
      expect((await next.auth.restore({ initialState })).status).toBe('signed-out');
      expect(on.server.count('/auth/logout')).toBe(2);
    });

    it.each(['unknown', 'signed-out'] as const)('as %s asks where this page sees a hint', async (status) => {
      await rendered();
      const initialState = { status, user: null, session: null, tokenExpiresAt: null };
      const here = { home: `${on.server.origin}/` };
      const stranger = on.browser.tab({}, { ...here, cookies: '' });
      expect((await stranger.auth.restore({ initialState, force: false })).status).toBe('signed-out');
      expect(refreshes()).toBe(0);
      const tab = on.browser.tab({}, { ...here, cookies: 'refresh_token_hint=1' });
      expect((await tab.auth.restore({ initialState, force: false })).status).toBe('signed-in');
    });
  });
});
