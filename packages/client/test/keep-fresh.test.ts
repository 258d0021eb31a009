/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { refusal } from './support/auth-server.js';
import { GRACE, statusOf, until, userOf } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

describe('a visible page', () => {
  it('replaces the token before it expires, again and again, without a request', async () => {
    const tab = await on.signedIn();
    for (let generation = 1; generation <= 3; generation++) {
      await tab.host.passTimer(855_000);
      await until(() => tab.auth.getState().session?.generation === generation);
    }
    expect(on.server.count('/auth/refresh')).toBe(3);
  });

  it('refreshes at a random moment of its own', async () => {
    const tab = on.browser.tab();
    for (const [luck, ms] of [
      [0, 840_000],
      [0.999, 869_970],
    ] as const) {
      tab.host.luck = luck;
      await tab.auth.login(GRACE);
      expect([...tab.host.timers].map((timer) => timer.ms)).toEqual([ms]);
    }
  });

  it('hidden, it keeps the token; shown again, it checks at once', async () => {
    const tab = await on.signedIn();
    tab.host.show(false);
    expect(tab.host.timers.size).toBe(0);
    tab.host.pass(3_600_000);
    expect(on.server.count('/auth/refresh')).toBe(0);
    tab.host.show(true);
    await until(() => tab.auth.getState().session?.generation === 1);
  });

  it('after a sleep that stopped timers and the monotonic clock, a 401 triggers the refresh', async () => {
    const tab = await on.signedIn();
    on.server.refused.add((await tab.auth.getAccessToken()) ?? '');
    tab.host.show(true);
    expect((await tab.auth.fetch(`${on.server.origin}/api/orders`)).status).toBe(200);
  });

  it('continues after a network fault, when its pause is over', async () => {
    const tab = await on.signedIn();
    on.server.answer('/auth/refresh', {
      ...refusal(503, 'TEMPORARILY_UNAVAILABLE'),
      headers: { 'retry-after': '30' },
    });
    await tab.host.passTimer(855_000);
    await tab.host.passTimer(30_000);
    await until(() => tab.auth.getState().session?.generation === 1);
    expect(tab.signedOut).toEqual([]);
  });

  it('coming back from the cache, it asks the server who is signed in', async () => {
    const tab = await on.signedIn();
    const other = on.browser.tab({}, { openChannel: () => undefined });
    await other.auth.login(GRACE);
    tab.host.show(true, true);
    await until(() => userOf(tab) === GRACE.email);
    await other.auth.logout();
    tab.host.show(true, true);
    await until(() => statusOf(tab) === 'signed-out');
    expect(tab.signedOut).toEqual(['REFRESH_TOKEN_MISSING']);
  });

  it('does nothing if nobody is signed in', async () => {
    const tab = on.browser.tab();
    tab.host.show(false);
    tab.host.show(true);
    await tab.auth.restore();
    tab.host.show(true, true);
    expect(tab.host.timers.size).toBe(0);
    expect(on.server.count('/auth/refresh')).toBe(1);
  });
});
