/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import type { AuthClientError } from '../src/index.js';
import { gate, refusal } from './support/auth-server.js';
import { statusOf, type Tab, until } from './support/browser.js';
import { FRESH_MS, stage } from './support/stage.js';

const on = stage();
const current = async ({ auth }: Tab) => (await auth.getAccessToken()) ?? '';
const another = async (tab: Tab) => {
  tab.host.sleep(FRESH_MS);
  return (await tab.auth.getAccessToken({ refused: await current(tab) })) ?? '';
};

describe('getAccessToken', () => {
  it('resolves with null if nobody is signed in', async () => {
    const { auth } = on.browser.tab();
    expect(await auth.getAccessToken()).toBeNull();
  });

  it('resolves with the same token while it is valid, and with another for a refused one', async () => {
    const tab = await on.signedIn();
    const first = await current(tab);
    expect(await current(tab)).toBe(first);
    expect(await another(tab)).not.toBe(first);
  });

  it("counts a token's lifetime from its arrival: a wrong device clock does not matter", async () => {
    const tab = await on.signedIn();
    const real = Date.now;
    Date.now = () => real() + 10 * 365 * 86_400_000;
    try {
      await another(tab);
      const token = await current(tab);
      for (let i = 0; i < 5; i++) expect(await current(tab)).toBe(token);
    } finally {
      Date.now = real;
    }
    expect(on.server.count('/auth/refresh')).toBe(1);
  });

  it('a token that expires on arrival causes no loop', async () => {
    on.server.expiresIn = 0;
    const tab = await on.signedIn();
    expect(await current(tab)).toMatch(/^at\./);
    expect(on.server.count('/auth/refresh')).toBe(1);
    const timers = [...tab.host.timers];
    expect(timers.map(({ ms }) => ms)).toEqual([1000]);
  });

  it('uses at most a third of a short lifetime as refreshAhead', async () => {
    on.server.expiresIn = 90;
    const tab = await on.signedIn();
    const first = await current(tab);
    tab.host.sleep(59_000 - FRESH_MS);
    expect(await current(tab)).toBe(first);
    tab.host.sleep(2_000);
    expect(await current(tab)).not.toBe(first);
  });

  it('replaces the token after a sleep, before it is used', async () => {
    const tab = await on.signedIn();
    const first = await current(tab);
    tab.host.sleep(8 * 3_600_000);
    expect(await current(tab)).not.toBe(first);
  });

  it('abandons an attempt after half the grace period, and repeats it', async () => {
    const tab = await on.signedIn();
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const next = another(tab);
    await arrived;
    await tab.host.passTimer(5000);
    await tab.host.passTimer(375);
    expect(await next).toMatch(/^at\.s1\.2\./);
    open();
    expect(on.server.count('/auth/refresh')).toBe(2);
    expect(tab.auth.getState().session?.generation).toBe(2);
  });

  it("follows the server's own grace period", async () => {
    const tab = on.browser.tab({ gracePeriod: 4 });
    const { opened, open } = gate();
    on.server.answer('/auth/refresh', { ...refusal(401, 'REFRESH_TOKEN_MISSING'), after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const asked = tab.auth.getAccessToken();
    await arrived;
    await tab.host.passTimer(2000);
    await tab.host.passTimer(375);
    expect(await asked).toBeNull();
    open();
  });

  it('recovers a lost answer', async () => {
    const tab = await on.signedIn();
    on.server.disturb('/auth/refresh', { isLost: true });
    const next = another(tab);
    await tab.host.passTimer(375);
    expect(await next).toMatch(/^at\./);
    expect(tab.signedOut).toEqual([]);
  });

  it('honours Retry-After: no request is sent earlier', async () => {
    const tab = await on.signedIn();
    const wait = { ...refusal(429, 'TOO_MANY_ATTEMPTS'), headers: { 'retry-after': '30' } };
    on.server.answer('/auth/refresh', wait);
    const fails = () => another(tab).catch((error: unknown) => error);
    expect(await fails()).toMatchObject({ code: 'TOO_MANY_ATTEMPTS', retryAfter: 30 });
    tab.host.sleep(29_000 - FRESH_MS);
    tab.host.show(true);
    expect(await fails()).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' });
    expect(on.server.count('/auth/refresh')).toBe(1);
    tab.host.sleep(1_000);
    expect(await another(tab)).toMatch(/^at\./);
  });

  it('honours a Retry-After that is a date', async () => {
    const tab = await on.signedIn();
    const date = new Date(Date.now() + 60_000).toUTCString();
    on.server.answer('/auth/refresh', {
      ...refusal(503, 'TEMPORARILY_UNAVAILABLE'),
      headers: { 'retry-after': date },
    });
    const fault = await another(tab).catch((error: unknown) => error);
    expect((fault as AuthClientError).retryAfter).toBeGreaterThan(30);
    expect((fault as AuthClientError).retryAfter).toBeLessThanOrEqual(60);
  });

  it('retries at once when the network is back', async () => {
    const tab = await on.signedIn();
    const lost = { isLost: true };
    on.server.answer('/auth/refresh', lost, lost, lost);
    const failed = another(tab).catch((error: unknown) => error);
    await tab.host.passTimer(375);
    await tab.host.passTimer(750);
    expect(await failed).toMatchObject({ code: 'NETWORK_ERROR' });
    tab.host.show(true);
    expect(await another(tab)).toMatch(/^at\./);
  });

  it('recovers: an answer older than the newest known generation is followed by a refresh', async () => {
    const tab = await on.signedIn();
    await another(tab);
    await another(tab);
    on.server.turnBack('s1', 0);
    await another(tab);
    // 1 was older than the known 2; the next answer was not.
    expect(tab.auth.getState().session?.generation).toBe(2);
    expect(on.server.count('/auth/refresh')).toBe(4);
  });

  it('accepts a server that keeps counting lower', async () => {
    const tab = await on.signedIn();
    for (let i = 0; i < 9; i++) await another(tab);
    on.server.turnBack('s1', 0);
    await another(tab);
    expect(tab.auth.getState().session?.generation).toBe(3);
    expect(statusOf(tab)).toBe('signed-in');
    expect(on.server.count('/auth/refresh')).toBe(12);
  });

  it('can be aborted by one caller', async () => {
    const tab = on.browser.tab();
    const signal = AbortSignal.abort(new Error('not needed any more'));
    await expect(tab.auth.getAccessToken({ signal })).rejects.toThrow('not needed any more');
    await until(() => statusOf(tab) === 'signed-out');
  });
});
