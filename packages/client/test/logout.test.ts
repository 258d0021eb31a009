/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { gate, refusal } from './support/auth-server.js';
import { ADA, GRACE, statusOf, until, userOf } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

describe('logout', () => {
  it('signs out, and notifies the server with the access token', async () => {
    const tab = await on.signedIn();
    const token = await tab.auth.getAccessToken();
    await tab.auth.logout();
    expect(statusOf(tab)).toBe('signed-out');
    expect(await tab.auth.getAccessToken()).toBeNull();
    expect(on.server.to('/auth/logout')[0]?.headers).toMatchObject({
      authorization: `Bearer ${token}`,
      cookie: expect.stringContaining('refresh_token=s1'),
    });
    expect(on.browser.jar.cookies.has('refresh_token')).toBe(false);
    expect(tab.signedOut).toEqual(['LOGOUT']);
  });

  it('signs out all tabs', async () => {
    const first = await on.signedIn();
    const second = on.browser.tab();
    await second.auth.restore();
    await first.auth.logout();
    await until(() => statusOf(second) === 'signed-out');
    expect(second.signedOut).toEqual(['LOGOUT']);
    expect(await second.auth.getAccessToken()).toBeNull();
    expect(on.server.count('/auth/logout')).toBe(1);
  });

  it('a refresh answered after it brings nobody back', async () => {
    const tab = await on.signedIn();
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const late = tab.auth.getAccessToken({ refused: (await tab.auth.getAccessToken()) ?? '' });
    await arrived;
    await tab.auth.logout();
    open();
    expect(await late).toBeNull();
    expect(statusOf(tab)).toBe('signed-out');
  });

  it('without a network signs out here at once and rejects; the next page logs out before it restores', async () => {
    const tab = await on.signedIn();
    on.server.answer('/auth/logout', { isLost: true });
    const leaving = tab.auth.logout();
    expect(statusOf(tab)).toBe('signed-out');
    await expect(leaving).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
    expect(on.browser.jar.cookies.has('refresh_token')).toBe(true);

    const next = on.browser.tab();
    expect((await next.auth.restore()).status).toBe('signed-out');
    expect(on.browser.jar.cookies.has('refresh_token')).toBe(false);
    expect(on.server.count('/auth/refresh')).toBe(0);
    // Only the note that nobody is signed in is left.
    expect([...on.browser.notes.values()]).toEqual(['0']);
  });

  it('can be repeated until it reaches the server', async () => {
    const tab = await on.signedIn();
    on.server.answer('/auth/logout', refusal(503, 'TEMPORARILY_UNAVAILABLE'));
    await expect(tab.auth.logout()).rejects.toMatchObject({ status: 503 });
    await tab.auth.logout();
    expect(on.browser.jar.cookies.has('refresh_token')).toBe(false);
    expect(tab.signedOut).toEqual(['LOGOUT']);
  });

  it('an unconfirmed logout is dropped once another user has signed in: their cookie is kept', async () => {
    const tab = await on.signedIn();
    on.server.answer('/auth/logout', { isLost: true });
    await tab.auth.logout().catch(() => undefined);
    await tab.auth.login(GRACE);
    const next = on.browser.tab();
    expect((await next.auth.restore()).user?.id).toBe(GRACE.email);
    expect(on.server.count('/auth/logout')).toBe(1);
  });

  it('a login right after it wins', async () => {
    const tab = await on.signedIn();
    const leaving = tab.auth.logout();
    await tab.auth.login(GRACE);
    await leaving;
    expect(userOf(tab)).toBe(GRACE.email);
    expect(on.browser.jar.cookies.get('refresh_token')).toBe('s2.0');
  });

  it('of one session does not sign out a tab that has another session', async () => {
    const first = await on.signedIn();
    const lonely = on.browser.tab({}, { openChannel: () => undefined });
    await lonely.auth.login(GRACE);
    await first.auth.logout();
    expect(userOf(lonely)).toBe(GRACE.email);
  });

  it('works if nobody is signed in', async () => {
    const tab = on.browser.tab();
    await tab.auth.logout();
    expect(on.server.to('/auth/logout')[0]?.headers.authorization).toBeUndefined();
    expect(tab.signedOut).toEqual([]);
    await tab.auth.login(ADA);
    expect(statusOf(tab)).toBe('signed-in');
  });

  it('works if the storage of the browser is full', async () => {
    const full = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
      },
      removeItem: () => undefined,
    } as unknown as Storage;
    const tab = on.browser.tab({}, { notes: full });
    await tab.auth.login(ADA);
    await tab.auth.logout();
    expect(statusOf(tab)).toBe('signed-out');
    expect(on.browser.jar.cookies.has('refresh_token')).toBe(false);
  });

  it('an unconfirmed logout is dropped once a user has signed in in another tab', async () => {
    const tab = await on.signedIn();
    on.server.answer('/auth/logout', { isLost: true });
    await tab.auth.logout().catch(() => undefined);
    await on.browser.tab().auth.login(GRACE);
    await until(() => userOf(tab) === GRACE.email);
    expect((await tab.auth.restore()).user?.id).toBe(GRACE.email);
    expect(on.browser.jar.cookies.has('refresh_token')).toBe(true);
  });

  it('an unconfirmed logout is not undone by a request made before restore()', async () => {
    const tab = await on.signedIn();
    on.server.answer('/auth/logout', { isLost: true });
    await tab.auth.logout().catch(() => undefined);

    const next = on.browser.tab();
    expect(await next.auth.getAccessToken()).toBeNull();
    expect(statusOf(next)).toBe('signed-out');
    await next.auth.restore();
    expect(on.browser.jar.cookies.has('refresh_token')).toBe(false);
  });

  it('aborts a login on its way, also if nobody was signed in', async () => {
    const tab = on.browser.tab();
    await tab.auth.restore();
    const { opened, open } = gate();
    on.server.disturb('/auth/login', { after: opened });
    const arrived = on.server.arrival('/auth/login');
    const late = tab.auth.login(ADA).catch((error: unknown) => error);
    await arrived;
    const left = tab.auth.logout();
    open();
    await left;
    expect(await late).toMatchObject({ code: 'SUPERSEDED' });
    expect(statusOf(tab)).toBe('signed-out');
    expect(on.server.count('/auth/logout')).toBe(1);
  });

  it.each([
    ['a portal', { status: 200, text: '<html>Wi-Fi terms</html>' }],
    ['the shell of an application', { status: 200, json: {} }],
    ['a proxy', { status: 202 }],
  ])('does not count %s as success: the note is kept', async (_, reply) => {
    const tab = await on.signedIn();
    on.server.answer('/auth/logout', reply);
    await expect(tab.auth.logout()).rejects.toMatchObject({ code: 'UNEXPECTED_ANSWER' });
    expect((await on.browser.tab().auth.restore()).status).toBe('signed-out');
    expect(on.browser.jar.cookies.has('refresh_token')).toBe(false);
  });

  it('is sent with keepalive, before any listener runs', async () => {
    const sent: (RequestInit | undefined)[] = [];
    const tab = on.browser.tab({
      fetch: (input, init) => {
        if ((input as string).endsWith('/logout')) sent.push(init);
        return on.browser.jar.fetch(input, init);
      },
      onSignedOut: () => expect(sent).toHaveLength(1),
    });
    await tab.auth.login(ADA);
    const leaving = tab.auth.logout();
    expect(sent).toEqual([expect.objectContaining({ keepalive: true })]);
    await leaving;
    expect(sent).toHaveLength(1);
  });

  it('is sent again after a refresh on its way, as that answer may set a cookie', async () => {
    const tab = await on.signedIn();
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const refused = (await tab.auth.getAccessToken()) ?? '';
    tab.auth.getAccessToken({ refused }).catch(() => undefined);
    await arrived;
    await tab.auth.logout();
    open();
    expect(on.server.count('/auth/logout')).toBe(2);
  });

  it('in body transport stays in the storage across a restart, which signs nobody in', async () => {
    let stored: string | null = null;
    const storage = {
      load: async () => stored,
      save: async (text: string) => void (stored = text),
      clear: async () => void (stored = null),
    };
    const first = on.browser.tab({ transport: 'body', storage });
    await first.auth.login(ADA);
    on.server.answer('/auth/logout', { isLost: true });
    await expect(first.auth.logout()).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
    const next = on.browser.tab({ transport: 'body', storage });
    expect(await next.auth.getAccessToken()).toBeNull();
    expect((await on.browser.tab({ transport: 'body', storage }).auth.restore()).status).toBe('signed-out');
    expect(on.server.to('/auth/logout').map(({ body }) => JSON.parse(body))).toEqual([
      { refreshToken: 's1.0' },
      { refreshToken: 's1.0' },
    ]);
    expect([stored, on.server.count('/auth/refresh')]).toEqual([null, 0]);
  });
});
