/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { gate } from './support/auth-server.js';
import { GRACE, statusOf, until, userOf } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

describe('close', () => {
  it('stops timers and messages between tabs, and signs nobody out', async () => {
    const first = await on.signedIn();
    const second = on.browser.tab();
    await second.auth.restore();
    second.auth.close();
    expect(second.host.timers.size).toBe(0);
    second.host.show(true, true);
    expect(second.host.timers.size).toBe(0);
    const third = on.browser.tab();
    await third.auth.restore();
    await first.auth.logout();
    await until(() => statusOf(third) === 'signed-out');
    expect(statusOf(second)).toBe('signed-in');
    expect(second.signedOut).toEqual([]);
  });

  it('during a refresh lets it finish, and no other follows', async () => {
    const tab = await on.signedIn();
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    await tab.host.passTimer(855_000);
    await arrived;
    tab.auth.close();
    open();
    await until(() => tab.auth.getState().session?.generation === 1);
    // Lets the work run that the end of the refresh starts.
    await new Promise((next) => setImmediate(next));
    expect(tab.host.timers.size).toBe(0);
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('a closed client sends and receives again once it is used: React runs effects twice', async () => {
    const tab = await on.signedIn();
    const next = on.browser.tab();
    const first = next.auth.restore();
    next.auth.close();
    const second = next.auth.restore();
    expect((await first).status).toBe('signed-in');
    expect((await second).status).toBe('signed-in');
    await next.auth.logout();
    expect(statusOf(next)).toBe('signed-out');
    expect(next.signedOut).toEqual(['LOGOUT']);
    await until(() => statusOf(tab) === 'signed-out');
    await tab.auth.login(GRACE);
    await until(() => userOf(next) === GRACE.email);
  });
});
