/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import type { AuthState } from '../src/index.js';
import { gate, refusal } from './support/auth-server.js';
import { ADA, GRACE, statusOf, until, userOf } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

describe('restore', () => {
  it('resolves with the user of the cookie', async () => {
    await on.signedIn();
    const { auth } = on.browser.tab();
    expect(auth.getState().status).toBe('unknown');
    expect(await auth.restore()).toMatchObject({ status: 'signed-in', user: { id: ADA.email } });
    expect(auth.getState()).toMatchObject({ session: { id: 's1', generation: 1 } });
  });

  it('without a cookie resolves with signed-out, and sends no request', async () => {
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
      // One answer is not enough: a service may still set no hint.
      expect((await tabWith('').auth.restore()).status).toBe('signed-in');
    });

    it('asks once for a visitor who never signed in, and then only if there is a hint', async () => {
      for (let i = 0; i < 3; i++) expect((await tabWith('').auth.restore()).status).toBe('signed-out');
      expect(refreshes()).toBe(1);
      await tabWith('refresh_token_hint=1').auth.restore();
      await tabWith('').auth.restore({ force: true });
      expect(refreshes()).toBe(3);
    });

    it('sends no request if the application trusts the hint', async () => {
      expect((await tabWith('').auth.restore({ force: false })).status).toBe('signed-out');
      expect(refreshes()).toBe(0);
    });

    it('sends no request after a logout, and one after a login', async () => {
      const tab = tabWith('');
      await tab.auth.login(ADA);
      await tab.auth.logout();
      await tabWith('').auth.restore();
      expect(refreshes()).toBe(0);
      await tab.auth.login(ADA);
      expect((await tabWith('').auth.restore()).status).toBe('signed-in');
    });

    it('asks again if there was no answer', async () => {
      on.server.answer('/auth/refresh', { isLost: true });
      const tab = tabWith('');
      const restored = tab.auth.restore();
      await tab.host.passTimer(375);
      expect((await restored).status).toBe('signed-out');
      expect(refreshes()).toBe(2);
    });

    it('asks every time if the browser keeps no notes', async () => {
      const page = { home: `${on.server.origin}/`, cookies: '', notes: undefined };
      for (let i = 0; i < 2; i++) await on.browser.tab({}, page).auth.restore();
      expect(refreshes()).toBe(2);
    });
  });

  it('reports why an earlier session has ended', async () => {
    on.browser.jar.cookies.set('refresh_token', 's9.0');
    const tab = on.browser.tab();
    await tab.auth.restore();
    expect(tab.signedOut).toEqual(['REFRESH_TOKEN_UNKNOWN']);
  });

  it('rejects without an answer; the state stays unknown, and the client asks again later', async () => {
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

  it('called twice asks once, and never if the state is known', async () => {
    await on.signedIn();
    const { auth } = on.browser.tab();
    await Promise.all([auth.restore(), auth.restore()]);
    await auth.restore();
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('in ten tabs at once asks the server once: the others take over the token', async () => {
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

  it('resolves with signed-out if another tab reports the end of the session first', async () => {
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

  it('without a cookie does not affect the user in another tab', async () => {
    const first = await on.signedIn();
    on.browser.jar.cookies.clear();
    const second = on.browser.tab();
    await second.auth.restore();
    // Messages of a later tab arrive after those of this one.
    await on.browser.tab().auth.login(GRACE);
    await until(() => userOf(first) === GRACE.email);
    expect(first.signedOut).toEqual([]);
  });

  it('without an answer asks again when the page is shown again', async () => {
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

  describe('of a server-rendered page', () => {
    /**
     * The state of a signed-in user, as a page's server passes it on: it has refreshed, and this browser has the
     * cookie.
     */
    const rendered = async (): Promise<AuthState> => {
      const server = on.browser.tab();
      await server.auth.login(ADA);
      server.auth.close();
      return JSON.parse(JSON.stringify(server.auth.getState())) as AuthState;
    };
    const refreshes = () => on.server.count('/auth/refresh');

    it('takes over who is signed in, sends no request, and requests a token when one is needed', async () => {
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
      // The same user stays the same object, so that effects that depend on it do not run again.
      expect(tab.auth.getState().user).toBe(initialState.user);
      expect(tab.host.timers.size).toBe(1);
    });

    it('asks at once if the tabs know a newer generation: the page has brought back an older cookie', async () => {
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

    it('notices the end of the session at the first request', async () => {
      const initialState = await rendered();
      const tab = on.browser.tab();
      await tab.auth.restore({ initialState });
      on.server.answer('/auth/refresh', refusal(401, 'SESSION_REVOKED'));
      expect(await tab.auth.getAccessToken()).toBeNull();
      expect(tab.signedOut).toEqual(['SESSION_REVOKED']);
    });

    it('receives a logout of another tab, and sends its own', async () => {
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

    it('completes a logout that has not reached the server, whatever was rendered', async () => {
      const initialState = await rendered();
      const tab = on.browser.tab();
      await tab.auth.restore({ initialState });
      on.server.answer('/auth/logout', { isLost: true });
      await tab.auth.logout().catch(() => undefined);
      const next = on.browser.tab();
      expect((await next.auth.restore({ initialState })).status).toBe('signed-out');
      expect(on.server.count('/auth/logout')).toBe(2);
    });

    it.each(['unknown', 'signed-out'] as const)(
      'with the state %s asks if this page sees a hint',
      async (status) => {
        await rendered();
        const initialState = { status, user: null, session: null, tokenExpiresAt: null };
        const here = { home: `${on.server.origin}/` };
        const stranger = on.browser.tab({}, { ...here, cookies: '' });
        expect((await stranger.auth.restore({ initialState, force: false })).status).toBe('signed-out');
        expect(refreshes()).toBe(0);
        const tab = on.browser.tab({}, { ...here, cookies: 'refresh_token_hint=1' });
        expect((await tab.auth.restore({ initialState, force: false })).status).toBe('signed-in');
      },
    );
  });
});
