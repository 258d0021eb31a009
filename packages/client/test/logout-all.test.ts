/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { gate, refusal } from './support/auth-server.js';
import { GRACE, statusOf, until, userOf } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

describe('logoutAll', () => {
  it('signs out all tabs', async () => {
    const first = await on.signedIn();
    const second = on.browser.tab();
    await second.auth.restore();
    await first.auth.logoutAll();
    expect(first.signedOut).toEqual(['LOGOUT']);
    await until(() => statusOf(second) === 'signed-out');
  });

  it('that fails leaves the user signed in', async () => {
    const tab = await on.signedIn();
    on.server.answer('/auth/logout-all', refusal(503, 'TEMPORARILY_UNAVAILABLE'));
    await expect(tab.auth.logoutAll()).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
    expect(statusOf(tab)).toBe('signed-in');
  });

  it('refreshes a refused token', async () => {
    const tab = await on.signedIn();
    on.server.refused.add((await tab.auth.getAccessToken()) ?? '');
    await tab.auth.logoutAll();
    expect([on.server.count('/auth/logout-all'), on.server.count('/auth/refresh')]).toEqual([2, 1]);
  });

  it('does not sign out a user who has signed in before it ends', async () => {
    const tab = await on.signedIn();
    const { opened, open } = gate();
    on.server.disturb('/auth/logout-all', { after: opened });
    const arrived = on.server.arrival('/auth/logout-all');
    const late = tab.auth.logoutAll();
    await arrived;
    await on.browser.tab().auth.login(GRACE);
    await until(() => userOf(tab) === GRACE.email);
    open();
    await late;
    expect(userOf(tab)).toBe(GRACE.email);
  });
});
