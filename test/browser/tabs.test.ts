import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { PASSWORD, uniqueEmail } from '../support/http.js';
import { claimsOf } from '../support/tokens.js';
import { describeInBrowser } from './support/chromium.js';
import { Hold, refuseWith } from './support/faults.js';
import { stopClock, untilOthersWait } from './support/page-clock.js';
import type { Tab } from './support/tab.js';
import { World } from './support/world.js';

const REFRESH = 'POST /auth/refresh';
const revoked = refuseWith(401, 'ACCESS_TOKEN_REVOKED');

describeInBrowser('tabs of one browser', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.open();
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  const expectAllSignedIn = async (tabs: Tab[]): Promise<void> => {
    const answers = await Promise.all(tabs.map((tab) => tab.do('get', '/api/orders')));
    expect(answers.map(({ status }) => status)).toEqual(tabs.map(() => 200));
    expect(await Promise.all(tabs.map((tab) => tab.signOuts()))).toEqual(tabs.map(() => []));
  };

  for (const count of [2, 5]) {
    it(`${count} tabs that all wake at expiry refresh once, and all have the new token`, async () => {
      const device = await world.device();
      await device.context.clock.install();
      const tabs = await device.signedIn(count);
      const { generation } = await tabs[0].state();

      await stopClock(device);
      for (const round of [1, 2]) {
        const hold = new Hold();
        world.gateway.fault(REFRESH, hold.fault);
        await device.context.clock.fastForward('16:00');
        await hold.isAnswered;
        await untilOthersWait(device, tabs);
        hold.release();
        await Promise.all(tabs.map((tab) => tab.untilGeneration(Number(generation) + round)));
        expect(world.gateway.of(REFRESH).map(({ status }) => status)).toEqual(Array(round).fill(200));
      }
      await expectAllSignedIn(tabs);
      expect(world.gateway.count(REFRESH)).toBe(2);
    });

    it(`${count} tabs without locks or channels may each refresh, and nobody is logged out`, async () => {
      const device = await world.device();
      await device.context.addInitScript(() => {
        Object.defineProperty(navigator, 'locks', { value: undefined });
        Reflect.deleteProperty(window, 'BroadcastChannel');
      });
      await device.context.clock.install();
      const tabs = await device.signedIn(count);

      for (const round of [1, 2]) {
        const before = await Promise.all(tabs.map((tab) => tab.state()));
        await device.context.clock.fastForward('16:00');
        await Promise.all(
          tabs.map((tab, index) =>
            tab.until(
              ({ generation }) => Number(generation) > Number(before[index]!.generation),
              `each of ${count} tabs refreshed by itself in round ${round}`,
            ),
          ),
        );
        await expectAllSignedIn(tabs);
      }
      const statuses = world.gateway.of(REFRESH).flatMap(({ status }) => status ?? []);
      const answered = (wanted: number) => statuses.filter((status) => status === wanted).length;
      expect(answered(200)).toBeGreaterThanOrEqual(2 * count);
      expect(answered(200)).toBeLessThanOrEqual(3 * count);
      // A tab may fall two refreshes behind: its attempt was answered long ago, or it meets another one. It asks again.
      expect(answered(409)).toBeLessThanOrEqual(count);
      expect(statuses).toHaveLength(answered(200) + answered(409));
    });
  }

  it('a logout in one tab signs out all of them, is reported once in each, and a late refresh does not sign in again', async () => {
    const device = await world.device();
    const [first, ...others] = await device.signedIn(3);
    const hold = new Hold();
    world.gateway.fault(REFRESH, hold.fault);
    world.gateway.fault('GET /api/orders', revoked);
    const { answer } = await first.order('get', '/api/orders');
    await hold.isAnswered;

    await others[0]!.do('logout');
    await Promise.all([first, ...others].map((tab) => tab.untilStatus('signed-out')));
    hold.release();
    expect((await answer).value?.status).toBe(401);

    const again = await device.tab();
    expect(await again.state()).toMatchObject({ status: 'signed-out' });
    for (const tab of [first, ...others]) {
      expect(await tab.state()).toMatchObject({ status: 'signed-out', user: '' });
      expect(await tab.signOuts()).toEqual(['LOGOUT']);
    }
  });

  it('a tab notices that another user has signed in in a second tab, and drops the old token', async () => {
    const device = await world.device();
    const [first, second] = await device.signedIn(2);
    const old = (await first.state()).user;
    const email = uniqueEmail('next');
    await second!.do('register', { email, password: PASSWORD });

    await first.until(({ user }) => user === email, 'the first tab sees the new user');
    const before = world.gateway.requests.length;
    expect(await first.do('get', '/api/orders')).toMatchObject({ body: { user: email } });
    expect(await first.do('me')).toMatchObject({ email });
    expect(await second!.do('get', '/api/orders')).toMatchObject({ body: { user: email } });
    const { id } = await second!.do('me');
    const bearers = world.gateway.requests.slice(before).map(({ authorization }) => authorization);
    expect(bearers.map((bearer) => claimsOf(String(bearer)).sub)).toEqual(bearers.map(() => id));
    expect(old).not.toBe(email);
  });

  it("a request of the previous user is not repeated with the next user's token", async () => {
    const device = await world.device();
    const [first, second] = await device.signedIn(2);
    const hold = new Hold();
    world.gateway.fault('POST /api/orders', async (forward) => {
      await hold.fault(forward);
      return revoked(forward);
    });
    const { answer } = await first.order('post', '/api/orders', { buy: 'a boat' });
    await hold.isAnswered;
    const email = uniqueEmail('next');
    await second!.do('register', { email, password: PASSWORD });
    await first.until(({ user }) => user === email, 'the first tab sees the new user');
    hold.release();

    expect((await answer).value).toMatchObject({ status: 401 });
    expect(world.gateway.count('POST /api/orders')).toBe(1);
  });

  it('a tab that hangs while it holds the lock blocks the others for 5 s at most', async () => {
    const device = await world.device();
    const [first, second] = await device.signedIn(2);
    const refresh = new Hold();
    const hang = new Hold();
    world.gateway.fault(REFRESH, refresh.fault);
    world.gateway.fault('GET /api/orders', revoked, 2);
    world.gateway.fault('GET /api/hang', hang.fault);
    const { answer: ofFirst } = await first.order('get', '/api/orders');
    await refresh.isAnswered;
    const unhung = first.page.evaluate(() => {
      const request = new XMLHttpRequest();
      request.open('GET', '/api/hang', false);
      request.send();
    });
    await hang.isAnswered;

    const since = performance.now();
    expect(await second!.do('get', '/api/orders')).toMatchObject({ status: 200 });
    const waited = performance.now() - since;
    expect(waited).toBeGreaterThan(4_000);
    expect(waited).toBeLessThan(25_000);

    hang.release();
    await unhung;
    refresh.release();
    expect((await ofFirst).value).toMatchObject({ status: 200 });
    await expectAllSignedIn([first, second!]);
  });
});
