/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import type { Page } from '../src/environment.js';
import { gate, refusal } from './support/auth-server.js';
import { ADA, GRACE, statusOf, type Tab, until, userOf } from './support/browser.js';
import { FRESH_MS, stage } from './support/stage.js';

const on = stage();
const current = async ({ auth }: Tab) => (await auth.getAccessToken()) ?? '';
const another = async (tab: Tab) => {
  tab.host.sleep(FRESH_MS);
  return (await tab.auth.getAccessToken({ refused: await current(tab) })) ?? '';
};
const LOCK = () => `nestjs-silent-auth:${on.server.baseUrl}`;

/** The page's channel, which delivers no message before `opened`. */
function lateChannel(channel: BroadcastChannel, opened: Promise<void>): BroadcastChannel {
  return {
    postMessage: (message) => channel.postMessage(message),
    close: () => channel.close(),
    set onmessage(listener: (event: MessageEvent) => void) {
      channel.onmessage = (event) => void opened.then(() => listener(event));
    },
  } as BroadcastChannel;
}

const twoTabs = async () => {
  const first = await on.signedIn();
  const second = on.browser.tab();
  await second.auth.restore();
  await until(() => first.auth.getState().session?.generation === 1);
  return [first, second] as const;
};

describe('two tabs', () => {
  it('the tab that waited takes over the token that the other one fetched', async () => {
    const [first, second] = await twoTabs();
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const one = another(first);
    await arrived;
    const two = another(second);
    await until(() => on.browser.locks.waiters === 1);
    second.host.pass(100);
    open();
    await until(() => second.auth.getState().session?.generation === 2);
    expect(await two).toBe(await one);
    expect(on.server.count('/auth/refresh')).toBe(2);
  });

  it('messages may arrive later than the lock', async () => {
    const first = await on.signedIn();
    const { opened, open } = gate();
    const second = on.browser.tab(
      {},
      { openChannel: (name) => lateChannel(on.browser.openChannel(name), opened) },
    );
    await second.auth.restore();
    const answered = gate();
    on.server.disturb('/auth/refresh', { after: answered.opened });
    const one = another(first);
    const two = another(second);
    await until(() => on.browser.locks.waiters === 1);
    second.host.pass(100);
    answered.open();
    await one;
    await second.host.untilTimer(100);
    open();
    expect(await two).toBe(await one);
    expect(on.server.count('/auth/refresh')).toBe(2);
  });

  for (const [lockMs, newsMs] of [
    [100, 100],
    [3000, 500],
  ] as const) {
    it(`if no message comes after ${lockMs} ms with the lock, waits ${newsMs} ms for it`, async () => {
      const tab = await on.signedIn();
      const { opened, open } = gate();
      const held = on.browser.locks.request(LOCK(), {}, () => opened);
      const next = another(tab);
      await until(() => on.browser.locks.waiters === 1);
      tab.host.pass(lockMs);
      open();
      await held;
      await tab.host.passTimer(newsMs);
      expect(await next).toMatch(/^at\.s1\.1\./);
    });
  }

  it('without locks each tab refreshes for itself', async () => {
    await on.signedIn();
    const alone: Partial<Page> = { locks: undefined, openChannel: () => undefined };
    const tabs = [on.browser.tab({}, alone), on.browser.tab({}, alone)];
    await Promise.all(tabs.map(({ auth }) => auth.restore()));
    expect(tabs.map(statusOf)).toEqual(['signed-in', 'signed-in']);
    expect(on.server.count('/auth/refresh')).toBe(2);
  });

  it('does not wait longer than 5 s for a tab that hangs with the lock', async () => {
    const tab = await on.signedIn();
    const { opened, open } = gate();
    const held = on.browser.locks.request(LOCK(), {}, () => opened);
    const next = another(tab);
    await tab.host.passTimer(5000);
    expect(await next).toMatch(/^at\.s1\.1\./);
    open();
    await held;
  });

  it('a page that may not use locks still works', async () => {
    await on.signedIn();
    const locks = { request: () => Promise.reject(new DOMException('sandboxed', 'SecurityError')) };
    const tab = on.browser.tab({}, { locks: locks as unknown as Page['locks'] });
    expect((await tab.auth.restore()).status).toBe('signed-in');
  });

  it('a failure of the server does not keep the lock', async () => {
    const [first, second] = await twoTabs();
    on.server.answer('/auth/refresh', {
      ...refusal(503, 'TEMPORARILY_UNAVAILABLE'),
      headers: { 'retry-after': '9' },
    });
    await expect(another(first)).rejects.toMatchObject({ status: 503 });
    expect(await another(second)).toMatch(/^at\./);
  });

  it('a final refusal signs both tabs out, and is reported once in each', async () => {
    const [first, second] = await twoTabs();
    on.server.answer('/auth/refresh', refusal(401, 'REFRESH_TOKEN_REUSED'));
    expect(await another(first)).toBe('');
    await until(() => statusOf(second) === 'signed-out');
    expect([first.signedOut, second.signedOut]).toEqual([['REFRESH_TOKEN_REUSED'], ['REFRESH_TOKEN_REUSED']]);
  });

  it('a login as another user aborts the refresh of the other tab: its late answer is dropped', async () => {
    const first = await on.signedIn();
    // This one has no locks, so its login does not wait for the refresh.
    const second = on.browser.tab({}, { locks: undefined });
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const late = another(first).catch((error: unknown) => error);
    await arrived;
    await second.auth.login(GRACE);
    await until(() => userOf(first) === GRACE.email);
    open();
    expect(await late).toMatchObject({ code: 'SUPERSEDED' });
    expect([userOf(first), userOf(second)]).toEqual([GRACE.email, GRACE.email]);
  });

  it('ignores messages about a session that was left', async () => {
    const [first, second] = await twoTabs();
    const { session } = first.auth.getState();
    await first.auth.login(GRACE);
    await until(() => userOf(second) === GRACE.email);
    const before = second.auth.getState().tokenExpiresAt;
    const channel = new BroadcastChannel(LOCK());
    const answer = { accessToken: 'late', expiresIn: 900, user: { id: ADA.email }, session };
    channel.postMessage({ answer, at: Date.now() });
    channel.postMessage({ signedOut: 'LOGOUT', session: session?.id });
    const received = new Promise((resolve) =>
      second.auth.subscribe(({ tokenExpiresAt }) => tokenExpiresAt !== before && resolve(null)),
    );
    // Messages come in order: when the last one has taken effect, the earlier ones have been read.
    const { user, session: now } = first.auth.getState();
    const fresh = { ...answer, accessToken: 'fresh', expiresIn: 800, user, session: now };
    channel.postMessage({ answer: fresh, at: Date.now() });
    await received;
    channel.close();
    expect(await current(second)).toBe('fresh');
    expect(userOf(second)).toBe(GRACE.email);
  });

  it('an older generation from the other tab causes a refresh', async () => {
    const [first, second] = await twoTabs();
    await another(first);
    await until(() => second.auth.getState().session?.generation === 2);
    const channel = new BroadcastChannel(LOCK());
    const { user, session } = second.auth.getState();
    const stale = { accessToken: 'stale', expiresIn: 900, user, session: { ...session, generation: 1 } };
    channel.postMessage({ answer: stale, at: Date.now() });
    await until(() => second.auth.getState().session?.generation === 3);
    channel.close();
    expect(await current(second)).not.toBe('stale');
  });

  it('a token that a frozen tab read late has aged', async () => {
    const [first, second] = await twoTabs();
    const channel = new BroadcastChannel(LOCK());
    const { user, session } = first.auth.getState();
    const answer = { accessToken: 'aged', expiresIn: 900, user, session };
    channel.postMessage({ answer, at: Date.now() - 890_000 });
    await until(() => (second.auth.getState().tokenExpiresAt ?? Infinity) < Date.now() + 60_000);
    channel.close();
    expect(await current(second)).not.toBe('aged');
  });
});
