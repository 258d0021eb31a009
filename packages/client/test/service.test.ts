/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, uniqueEmail } from '../../../test/support/http.js';
import { Service } from '../../../test/support/service.js';
import { Browser, statusOf, type Tab, until } from './support/browser.js';
import { FRESH_MS } from './support/stage.js';

const another = async ({ auth, host }: Tab) => {
  host.sleep(FRESH_MS);
  return auth.getAccessToken({ refused: (await auth.getAccessToken()) ?? '' });
};

describe('the client and the service', () => {
  let service: Service;
  let browser: Browser;

  beforeAll(async () => {
    service = await Service.start({ ACCESS_TOKEN_TTL: '90s' });
  });
  afterAll(() => service.dispose());

  const registered = async () => {
    browser = new Browser(`${service.origin}/auth`);
    const tab = browser.tab();
    const email = uniqueEmail('client');
    await tab.auth.register({ email, password: PASSWORD, name: 'Ada', deviceName: 'Kitchen tablet' });
    return { tab, email };
  };

  it('register, me, refresh, restore in a second tab, logout: one session, seen by both', async () => {
    const { tab, email } = await registered();
    expect(await tab.auth.me()).toMatchObject({ email, name: 'Ada' });
    await another(tab);
    const second = browser.tab();
    expect((await second.auth.restore()).session).toMatchObject({ generation: 2 });
    const answer = await second.auth.fetch(`${service.origin}/auth/me`);
    expect(answer.status).toBe(200);
    await tab.auth.logout();
    await until(() => statusOf(second) === 'signed-out');
    expect((await browser.tab().auth.restore()).status).toBe('signed-out');
    browser.close();
  });

  it('lists sessions and ends others; the client of an ended one is signed out by its next request', async () => {
    const { tab, email } = await registered();
    const phone = new Browser(`${service.origin}/auth`, 'phone');
    const there = phone.tab();
    await there.auth.login({ email, password: PASSWORD });
    const listed = await tab.auth.sessions();
    expect(listed).toHaveLength(2);
    expect(listed.find(({ current }) => current)).toMatchObject({ deviceName: 'Kitchen tablet' });
    await tab.auth.endOtherSessions();
    // The service notifies its guards within its revocation bound.
    const end = performance.now() + 10_000;
    while (there.signedOut.length === 0 && performance.now() < end)
      await there.auth.me().catch(() => undefined);
    expect(there.signedOut).toEqual(['SESSION_REVOKED']);
    expect(statusOf(tab)).toBe('signed-in');
    browser.close();
    phone.close();
  });

  it('continues after a change of password, and logs in with the new one', async () => {
    const { tab, email } = await registered();
    const before = tab.auth.getState().session?.id;
    const newPassword = 'eight-Otters-cross-the-river';
    await tab.auth.changePassword({ currentPassword: PASSWORD, newPassword });
    expect(tab.auth.getState().session?.id).not.toBe(before);
    expect(await another(tab)).toMatch(/\./);
    await tab.auth.logoutAll();
    await expect(tab.auth.login({ email, password: PASSWORD })).rejects.toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
    await tab.auth.login({ email, password: newPassword });
    expect(tab.signedOut).toEqual(['LOGOUT']);
    browser.close();
  });

  it('a restart of the service is a network fault', async () => {
    const { tab } = await registered();
    await service.stop();
    const failed = another(tab).catch((error: unknown) => error);
    await tab.host.passTimer(375);
    await tab.host.passTimer(750);
    expect(await failed).toMatchObject({ code: 'NETWORK_ERROR' });
    await service.restart();
    tab.host.show(true);
    expect(await another(tab)).toMatch(/\./);
    expect(tab.signedOut).toEqual([]);
    browser.close();
  });

  it('body transport: the service gives the refresh token to the keychain', async () => {
    let token: string | null = null;
    const storage = {
      load: async () => token,
      save: async (next: string) => void (token = next),
      clear: async () => void (token = null),
    };
    browser = new Browser(`${service.origin}/auth`);
    const tab = browser.tab({ transport: 'body', storage });
    await tab.auth.register({ email: uniqueEmail('native'), password: PASSWORD });
    const first = token;
    await another(tab);
    expect(token).not.toBe(first);
    await tab.auth.logout();
    expect(token).toBeNull();
    browser.close();
  });
});
