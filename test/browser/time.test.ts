import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { newSession } from '../support/http.js';
import type { Service } from '../support/service.js';
import { describeInBrowser } from './support/chromium.js';
import { eventually, type Tab } from './support/tab.js';
import { type Device, World } from './support/world.js';

const REFRESH = 'POST /auth/refresh';
const DAY_MS = 86_400_000;

/**
 * Sleep is simulated by stopping the page's clock: Chromium freezes hidden pages only, and under Playwright
 * every page stays visible.
 */
describeInBrowser('clocks and sleep', () => {
  let world: World;
  /** A service whose access tokens expire during the test. */
  let brief: Service;

  beforeAll(async () => {
    world = await World.open();
    brief = await world.instance({ ACCESS_TOKEN_TTL: '5s' });
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  /** The service's clock cannot be moved, so wait until a token younger than any of the page's has expired. */
  const untilEveryTokenHasEnded = async (): Promise<void> => {
    const { accessToken } = await newSession(brief.api());
    await eventually(
      async () => (await brief.api().me(accessToken)).status === 401,
      () => 'the access token has ended',
    );
  };
  const expectSignedIn = async (tab: Tab): Promise<void> => {
    expect(await tab.do('get', '/api/orders')).toMatchObject({ status: 200 });
    expect(await tab.signOuts()).toEqual([]);
  };
  /** Signs in to the service with short-lived tokens, and uses the token once. */
  const atBriefService = async (device: Device, search?: string): Promise<Tab> => {
    world.gateway.leadTo(brief.origin);
    const [tab] = await device.signedIn(1, search);
    await expectSignedIn(tab);
    return tab;
  };
  /**
   * As if the lid were closed: no timer runs and the pages' clocks stop, so the pages believe their tokens
   * are valid. A clock can only be stopped at a time ahead of it, by more than a busy machine takes to do so.
   */
  const stopClocks = async ({ context }: Device): Promise<void> => {
    for (let aheadMs = 50; ; aheadMs *= 2) {
      const clocks = await Promise.all(context.pages().map((page) => page.evaluate(() => Date.now())));
      try {
        return await context.clock.pauseAt(Math.max(...clocks) + aheadMs);
      } catch (error) {
        if (aheadMs > 2_000 || !String(error).includes('fast-forward to the past')) throw error;
      }
    }
  };
  /** A token younger than the grace period would not be replaced when an API refuses it. */
  const toSleepPastTheGrace = async (device: Device): Promise<void> => {
    await device.context.clock.fastForward('00:02');
    await stopClocks(device);
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
    await device.context.clock.install();
    const tab = await atBriefService(device, '?grace=1');
    await toSleepPastTheGrace(device);
    await untilEveryTokenHasEnded();
    world.gateway.reset();

    const answers: { status: number; body: { url: string } }[] = await tab.do('many', '/api/orders', 20);
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.url)).size).toBe(20);
    expect(world.gateway.count(REFRESH)).toBe(1);
    expect(world.gateway.count('GET /api/orders')).toBe(40);
    expect(await tab.signOuts()).toEqual([]);
  });

  it("two tabs that slept past their token's expiry refresh once between them", async () => {
    const device = await world.device();
    await device.context.clock.install();
    const first = await atBriefService(device, '?grace=1');
    const second = await device.tab('?grace=1');
    await expectSignedIn(second);
    await toSleepPastTheGrace(device);
    await untilEveryTokenHasEnded();
    world.gateway.reset();
    await device.context.clock.resume();

    const both = await Promise.all([first, second].map((tab) => tab.order('get', '/api/orders')));
    for (const { answer } of both) expect((await answer).value).toMatchObject({ status: 200 });
    expect(world.gateway.count(REFRESH)).toBe(1);
  });

  it('a visible page renews its token by itself, once per token lifetime', async () => {
    const device = await world.device();
    const tab = await atBriefService(device);
    await tab.untilGeneration(2);
    const [first, second] = world.gateway.of(REFRESH);
    // Not before the last third of five seconds.
    expect(second!.at - first!.at).toBeGreaterThan(3_000);
    await expectSignedIn(tab);
  });
});
