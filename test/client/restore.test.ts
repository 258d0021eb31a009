/** @jest-environment ./test/client/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { gate, refusal } from './support/auth-server.js';
import { ADA, statusOf, until } from './support/browser.js';
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
    for (const { host } of tabs.slice(1)) await host.passTimer(20);
    const states = await restoring;
    expect(new Set(states.map(({ status }) => status))).toEqual(new Set(['signed-in']));
    expect(on.server.count('/auth/refresh')).toBe(1);
  });
});
