/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { gate, refusal } from './support/auth-server.js';
import { statusOf, until } from './support/browser.js';
import { FRESH_MS, stage } from './support/stage.js';

const on = stage();
const CHANGE = { currentPassword: 'old', newPassword: 'new' };

describe('changePassword', () => {
  it('continues with the new session, here and in the other tabs', async () => {
    const first = await on.signedIn();
    const second = on.browser.tab();
    await second.auth.restore();
    await first.auth.getAccessToken({ refused: (await first.auth.getAccessToken()) ?? '' });
    await first.auth.changePassword(CHANGE);
    // Its generation begins again at 0, which is not older than the previous session's 2.
    expect(first.auth.getState().session).toMatchObject({ id: 's2', generation: 0 });
    await until(() => second.auth.getState().session?.id === 's2');
    expect(on.server.count('/auth/refresh')).toBe(2);
    expect([first.signedOut, second.signedOut]).toEqual([[], []]);
  });

  it('a wrong current password does not cause a refresh or a sign-out', async () => {
    const tab = await on.signedIn();
    on.server.answer('/auth/change-password', refusal(401, 'INVALID_CREDENTIALS'));
    await expect(tab.auth.changePassword(CHANGE)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(statusOf(tab)).toBe('signed-in');
    expect(on.server.count('/auth/refresh')).toBe(0);
  });

  it('refreshes an expired token, then changes', async () => {
    const tab = await on.signedIn();
    tab.host.sleep(1_000_000);
    await tab.auth.changePassword(CHANGE);
    expect(on.server.count('/auth/change-password')).toBe(1);
    tab.host.sleep(FRESH_MS);
    on.server.refused.add((await tab.auth.getAccessToken()) ?? '');
    await tab.auth.changePassword(CHANGE);
    expect(on.server.count('/auth/change-password')).toBe(3);
  });

  it('drops the answer of a refresh that was on its way', async () => {
    const tab = await on.signedIn();
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    tab.host.sleep(850_000);
    const late = tab.auth.fetch(`${on.server.origin}/api/orders`);
    await arrived;
    tab.host.now -= 850_000;
    await tab.auth.changePassword(CHANGE);
    open();
    expect((await late).status).toBe(200);
    expect(tab.auth.getState().session?.id).toBe('s2');
  });
});
