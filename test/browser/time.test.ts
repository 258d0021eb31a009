import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { HELD_CLOCK, type Service } from '../support/service.js';
import { describeInBrowser } from './support/chromium.js';
import { Hold } from './support/faults.js';
import { stopClock, untilOthersWait } from './support/page-clock.js';
import type { Tab } from './support/tab.js';
import { type Device, World } from './support/world.js';

const REFRESH = 'POST /auth/refresh';
const DAY_MS = 86_400_000;
const TOKEN_TTL_MS = 120_000;

/**
 * Sleep is simulated by stopping the page's clock: Chromium freezes hidden pages only, and under Playwright
 * every page stays visible.
 */
describeInBrowser('clocks and sleep', () => {
  let world: World;
  /** A service with short-lived tokens, whose clock the tests move. */
  let brief: Service;

  beforeAll(async () => {
    world = await World.open();
    brief = await world.instance({ ACCESS_TOKEN_TTL: `${TOKEN_TTL_MS / 1000}s` }, HELD_CLOCK);
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  const expectSignedIn = async (tab: Tab): Promise<void> => {
    expect(await tab.do('get', '/api/orders')).toMatchObject({ status: 200 });
    expect(await tab.signOuts()).toEqual([]);
  };
  /** Tabs of a new user whose clocks stand still, at a service whose clock the test can move. */
  const signedInOnStoppedClock = async (device: Device, count: number): Promise<[Tab, ...Tab[]]> => {
    world.gateway.leadTo(brief.origin);
    await device.context.clock.install();
    await stopClock(device);
    const tabs = await device.signedIn(count);
    for (const tab of tabs) await expectSignedIn(tab);
    return tabs;
  };
  /** As if the lid were closed: the pages' clocks stop, so the pages believe that their tokens are valid. */
  const sleepPastExpiry = async (device: Device): Promise<void> => {
    // A token younger than the grace period would not be replaced when an API refuses it.
    await device.context.clock.fastForward('00:11');
    await brief.advance(2 * TOKEN_TTL_MS);
    world.gateway.reset();
  };

  for (const [what, offsetMs] of [
    ['a day ahead', DAY_MS],
    ['a day behind', -DAY_MS],
  ] as const) {
    it(`a device clock that is ${what} causes no loop of refreshes and no logout`, async () => {
      const device = await world.device();
      await device.context.clock.install({ time: Date.now() + offsetMs });
      const [tab] = await device.signedIn(1);
      await expectSignedIn(tab);
      expect(world.gateway.count(REFRESH)).toBe(0);

      await device.context.clock.fastForward('16:00');
      await tab.untilGeneration(1);
      await expectSignedIn(tab);
      expect(world.gateway.count(REFRESH)).toBe(1);
    });

    it(`a device clock that is set to ${what} costs one early refresh at most`, async () => {
      const device = await world.device();
      await device.context.clock.install();
      const [tab] = await device.signedIn(1);
      await device.context.clock.setSystemTime(Date.now() + offsetMs);
      for (let i = 0; i < 3; i++) await expectSignedIn(tab);
      expect(world.gateway.count(REFRESH)).toBeLessThanOrEqual(1);
      await tab.page.reload();
      await tab.untilStatus('signed-in');
      await expectSignedIn(tab);
    });
  }

  it("20 simultaneous requests after sleeping past the token's expiry: one refresh, each request sent twice", async () => {
    const device = await world.device();
    const [tab] = await signedInOnStoppedClock(device, 1);
    await sleepPastExpiry(device);

    const answers: { status: number; body: { url: string } }[] = await tab.do('many', '/api/orders', 20);
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.url)).size).toBe(20);
    expect(world.gateway.count(REFRESH)).toBe(1);
    expect(world.gateway.count('GET /api/orders')).toBe(40);
    expect(await tab.signOuts()).toEqual([]);
  });

  it("two tabs that slept past their token's expiry refresh once between them", async () => {
    const device = await world.device();
    const tabs = await signedInOnStoppedClock(device, 2);
    await sleepPastExpiry(device);

    const hold = new Hold();
    world.gateway.fault(REFRESH, hold.fault);
    const both = await Promise.all(tabs.map((tab) => tab.order('get', '/api/orders')));
    await hold.isAnswered;
    await untilOthersWait(device, tabs);
    hold.release();
    for (const { answer } of both) expect((await answer).value).toMatchObject({ status: 200 });
    expect(world.gateway.count(REFRESH)).toBe(1);
  });

  it('a visible page renews its token by itself, once per token lifetime', async () => {
    const device = await world.device();
    const [tab] = await signedInOnStoppedClock(device, 1);
    for (const renewals of [1, 2]) {
      // Not before the last third of two minutes, and at the middle of it at the latest.
      await device.context.clock.fastForward(79_000);
      await expectSignedIn(tab);
      expect(world.gateway.count(REFRESH)).toBe(renewals - 1);
      await device.context.clock.fastForward(22_000);
      await tab.untilGeneration(renewals);
      await expectSignedIn(tab);
      expect(world.gateway.count(REFRESH)).toBe(renewals);
    }
  });
});
