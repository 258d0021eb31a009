import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { type BrowserContext, chromium } from 'playwright-core';
import { PASSWORD, uniqueEmail } from '../support/http.js';
import { describeInBrowser, findChromium, FLAGS } from './support/chromium.js';
import { exportOfTheKey } from './support/export-of-the-key.js';
import { Tab } from './support/tab.js';
import { Device, World } from './support/world.js';

const REFRESH = 'POST /auth/refresh';
const RECORDS = 'nestjs-silent-auth';
const KEYS = 'nestjs-silent-auth-key';

describeInBrowser('refreshes across crashes, lost storage and copied cookies', () => {
  let world: World;

  beforeAll(async () => {
    // With a grace period of 1 s, a replaced token soon counts as evidence of a second holder.
    world = await World.open({ REFRESH_GRACE_PERIOD: '1s' });
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  const sent = () => world.gateway.of(REFRESH).map(({ body }) => JSON.parse(body || '{}'));
  const clear = (tab: Tab, name: string) =>
    tab.page.evaluate(
      (database) =>
        new Promise((done) => {
          const deleting = indexedDB.deleteDatabase(database);
          deleting.onsuccess = done;
        }),
      name,
    );

  it('a browser that is killed after a refresh and restarts with an older cookie stays signed in', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'killed-'));
    const launch = (): Promise<BrowserContext> =>
      chromium.launchPersistentContext(profile, {
        executablePath: findChromium() ?? '',
        headless: true,
        args: FLAGS,
      });
    try {
      const before = await launch();
      const tab = await new Device(before, world.gateway).tab();
      await tab.do('register', { email: uniqueEmail(), password: PASSWORD });
      const cookies = await before.cookies();
      await tab.page.reload();
      await tab.untilGeneration(1);
      await tab.do('me');
      await tab.page.reload();
      await tab.untilGeneration(2);
      await tab.do('me');
      // Chromium writes cookies to disk only after about 30 s.
      await killed(before);

      const after = await launch();
      await after.addCookies(cookies);
      await past(1_500);
      const again = await new Device(after, world.gateway).tab();
      expect(await again.state()).toMatchObject({ status: 'signed-in', generation: 3 });
      expect(sent().at(-1)).toEqual({ attempt: expect.any(String), previous: expect.any(String) });
      await after.close();
    } finally {
      await rm(profile, { recursive: true, force: true });
    }
  });

  it('deleting only the record of attempts does no harm', async () => {
    const device = await world.device();
    const [tab] = await device.signedIn(1);
    await tab.page.reload();
    await tab.untilGeneration(1);
    await clear(tab, RECORDS);
    await past(1_500);
    await tab.page.reload();
    await tab.untilGeneration(2);
    expect(sent().at(-1).previous).toBeUndefined();
    expect(await tab.signOuts()).toEqual([]);
  });

  it('a session bound to a key: a copied cookie is useless, and losing the key requires a new login', async () => {
    const device = await world.device();
    const [tab, other] = await device.signedIn(2, '?proof');
    const { user } = await tab.state();
    const thief = await world.service.api().refreshByCookie((await device.refreshToken()) ?? '');
    expect(thief.json.code).toBe('PROOF_REQUIRED');
    await tab.page.reload();
    await tab.untilStatus('signed-in');
    await other?.page.reload();
    await other?.untilStatus('signed-in');
    expect(await tab.page.evaluate(exportOfTheKey)).toBe('InvalidAccessError');

    await clear(tab, KEYS);
    await tab.page.reload();
    await tab.untilStatus('signed-out');
    expect(await tab.signOuts()).toEqual(['PROOF_KEY_LOST']);
    await tab.do('login', { email: user, password: PASSWORD });
    await tab.page.reload();
    await tab.untilStatus('signed-in');
  });

  it('an injected <base> element changes neither which origin is trusted nor which server is asked', async () => {
    const device = await world.device();
    const evil = world.gateway.origin.replace('127.0.0.1', 'localhost');
    await device.context.addInitScript((href) => {
      document.addEventListener('readystatechange', () => {
        const base = document.createElement('base');
        base.href = href;
        document.head?.prepend(base);
      });
    }, `${evil}/`);
    const [tab] = await device.signedIn(1);
    expect(await tab.do('isTrusted', `${evil}/api/orders`)).toBe(false);
    await tab.try('get', '/api/orders');
    expect(world.gateway.of('GET /api/orders').map(({ authorization }) => authorization)).toEqual([
      undefined,
    ]);
    expect(await tab.do('get', `${world.gateway.origin}/api/orders`)).toMatchObject({ status: 200 });
  });
});

const past = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Kills the browser process without a chance to save anything. */
async function killed(context: BrowserContext): Promise<void> {
  const closed = new Promise((done) => context.once('close', done));
  const session = await context.browser()?.newBrowserCDPSession();
  await session?.send('Browser.crash').catch(() => undefined);
  await closed;
}
