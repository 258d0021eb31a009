import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { chromium } from 'playwright-core';
import { anotherSession, PASSWORD, uniqueEmail } from '../support/http.js';
import { describeInBrowser, findChromium, FLAGS } from './support/chromium.js';
import type { Tab } from './support/tab.js';
import { type Device, World } from './support/world.js';

/** Playwright disables the cache by default. */
const launchWithCache = () =>
  chromium.launch({
    executablePath: findChromium()!,
    headless: true,
    args: FLAGS,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });

describeInBrowser('the back/forward cache', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.open({}, launchWithCache);
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  /**
   * @param hasChannels Chromium evicts a page that receives a channel message; without channels the page is
   * restored
   */
  const openDevice = async (hasChannels: boolean): Promise<Device> => {
    const device = await world.device();
    if (!hasChannels) {
      await device.context.addInitScript(() => Reflect.deleteProperty(window, 'BroadcastChannel'));
    }
    await device.context.addInitScript(() => {
      window.addEventListener('pageshow', ({ persisted }) => {
        document.documentElement.dataset.persisted = String(persisted);
      });
    });
    return device;
  };
  const leave = (tab: Tab) => tab.page.goto(`${world.gateway.origin}/elsewhere`);
  const comeBack = async ({ page }: Tab, persisted: boolean): Promise<void> => {
    await page.goBack({ waitUntil: 'commit' });
    await page.locator(`html[data-persisted="${persisted}"]`).waitFor({ state: 'attached' });
  };

  for (const hasChannels of [true, false]) {
    const how = hasChannels ? 'evicted from it by a message of another tab' : 'restored from it';

    it(`a page that is ${how} shows the user who has signed in in the meantime`, async () => {
      const device = await openDevice(hasChannels);
      const [first, second] = await device.signedIn(2);
      await leave(first);
      const email = uniqueEmail('next');
      await second!.do('register', { email, password: PASSWORD });
      await comeBack(first, !hasChannels);
      await first.until(({ user }) => user === email, 'the page sees the new user');
      expect(await first.do('me')).toMatchObject({ email });
    });

    it(`a page that is ${how} shows no user after a logout`, async () => {
      const device = await openDevice(hasChannels);
      const [first, second] = await device.signedIn(2);
      await leave(first);
      await second!.do('logout');
      await comeBack(first, !hasChannels);
      await first.untilStatus('signed-out');
      expect(await first.signOuts()).toEqual(hasChannels ? [] : ['REFRESH_TOKEN_MISSING']);
    });
  }

  it('a restored page whose session was ended elsewhere gets the reason', async () => {
    const device = await openDevice(true);
    const [tab] = await device.signedIn(1);
    const { user } = await tab.state();
    await leave(tab);
    const elsewhere = await anotherSession(world.service.api(), user);
    await world.service.api().send('DELETE', '/auth/sessions', { token: elsewhere.accessToken });
    await comeBack(tab, true);
    await tab.untilStatus('signed-out');
    expect(await tab.signOuts()).toEqual(['SESSION_REVOKED']);
  });

  it('a restored page keeps its user if nothing has happened', async () => {
    const device = await openDevice(true);
    const [tab] = await device.signedIn(1);
    await leave(tab);
    await comeBack(tab, true);
    await tab.untilGeneration(1);
    expect(await tab.do('get', '/api/orders')).toMatchObject({ status: 200 });
    expect(await tab.signOuts()).toEqual([]);
  });
});
