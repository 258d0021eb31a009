import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { DatabaseProxy } from '../support/database-proxy.js';
import { anotherSession } from '../support/http.js';
import type { Service } from '../support/service.js';
import { describeInBrowser } from './support/chromium.js';
import { Hold, loseAnswer, loseRequest, refuseWith } from './support/faults.js';
import { stopClock } from './support/page-clock.js';
import { eventually, type Tab } from './support/tab.js';
import { type Device, World } from './support/world.js';

const REFRESH = 'POST /auth/refresh';
/** Past the expiry of the access token; only the clock of the page is moved. */
const PAST_EXPIRY = '16:00';
/** A page aborts a refresh after half of it, which must not happen because the machine is busy. */
const MINUTE_OF_GRACE = '?grace=60';
const revoked = refuseWith(401, 'ACCESS_TOKEN_REVOKED');

describeInBrowser('a faulty network', () => {
  let world: World;
  /** A service with so short a grace period that every replaced token is past it. */
  let impatient: Service;

  beforeAll(async () => {
    world = await World.open({ REFRESH_GRACE_PERIOD: '60s' });
    impatient = await world.instance({ REFRESH_GRACE_PERIOD: '0s' });
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  const signedIn = async (): Promise<[Device, Tab]> => {
    const device = await world.device();
    await device.context.clock.install();
    const [tab] = await device.signedIn(1, MINUTE_OF_GRACE);
    return [device, tab];
  };
  const statuses = () => world.gateway.of(REFRESH).map(({ status }) => status);
  const expectSignedIn = async (tab: Tab): Promise<void> => {
    expect(await tab.do('get', '/api/orders')).toMatchObject({ status: 200 });
    expect(await tab.signOuts()).toEqual([]);
  };

  it("being offline past the token's expiry signs nobody out, and the page recovers by itself", async () => {
    const [device, tab] = await signedIn();
    await device.context.setOffline(true);
    await device.context.clock.fastForward(PAST_EXPIRY);
    expect((await tab.try('get', '/api/orders')).error).toMatchObject({ code: 'NETWORK_ERROR' });
    expect(await tab.state()).toMatchObject({ status: 'signed-in', generation: 0 });
    expect(world.gateway.count(REFRESH)).toBe(0);

    await device.context.setOffline(false);
    await tab.untilGeneration(1);
    await expectSignedIn(tab);
  });

  it('a page opened offline does not know who is signed in until it can ask', async () => {
    const [device, tab] = await signedIn();
    const endOutage = world.gateway.fault(REFRESH, loseRequest, Infinity);
    await tab.page.reload();
    await eventually(
      () => world.gateway.count(REFRESH) >= 2,
      () => 'the page has asked twice',
    );
    expect(await tab.state()).toMatchObject({ status: 'unknown' });
    endOutage();
    await tab.untilStatus('signed-in');
    await expectSignedIn(tab);
    expect(await device.cookieGeneration()).toBe(1);
  });

  it('a lost answer is requested again, and returns the same successor', async () => {
    const [device, tab] = await signedIn();
    world.gateway.fault(REFRESH, loseAnswer);
    await device.context.clock.fastForward(PAST_EXPIRY);
    await tab.untilGeneration(1);
    await expectSignedIn(tab);
    expect(statuses()).toEqual([200, 200]);
    expect(await device.cookieGeneration()).toBe(1);
  });

  it('a lost answer is recovered even after the grace period, and by another instance', async () => {
    const [device, tab] = await signedIn();
    world.gateway.fault(REFRESH, async (forward) => {
      await loseAnswer(forward);
      await device.context.setOffline(true);
      return null;
    });
    await device.context.clock.fastForward(PAST_EXPIRY);
    await eventually(
      () => statuses()[0] === 200,
      () => 'the server has rotated',
    );
    world.gateway.leadTo(impatient.origin);
    expect(await device.cookieGeneration()).toBe(0);
    await device.context.setOffline(false);
    await tab.untilGeneration(1);
    await expectSignedIn(tab);
    expect(statuses()).toEqual([200, 200]);
  });

  it('a late answer that restores an older cookie is repaired at once', async () => {
    const device = await world.device();
    await device.context.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
    const [first, second] = await device.signedIn(2, MINUTE_OF_GRACE);
    const generation = Number((await first.state()).generation);
    const late = new Hold();
    world.gateway.fault(REFRESH, late.fault);
    for (const path of ['/api/one', '/api/two', '/api/three']) world.gateway.fault(`GET ${path}`, revoked);
    const { answer } = await first.order('get', '/api/one');
    await late.isAnswered;

    // The second tab is two generations ahead when the first tab's answer arrives.
    await second!.do('get', '/api/two');
    await second!.do('get', '/api/three');
    expect(await device.cookieGeneration()).toBe(generation + 2);
    late.release();
    expect((await answer).value).toMatchObject({ status: 200 });

    // The stored attempt shows the service whose cookie fell back, so it issues a new token.
    await eventually(
      async () => (await device.cookieGeneration()) === generation + 3,
      () => 'the cookie is the newest again',
    );
    for (const tab of [first, second!]) {
      expect(await tab.state()).toMatchObject({ generation: generation + 3 });
      await expectSignedIn(tab);
    }
  });

  it('a request that takes longer than half the grace period is aborted and retried', async () => {
    const [device, tab] = await signedIn();
    const hold = new Hold();
    world.gateway.fault(REFRESH, hold.fault);
    await device.context.clock.fastForward(PAST_EXPIRY);
    await hold.isAnswered;
    await device.context.clock.fastForward(30_000);
    await tab.untilGeneration(1);
    hold.release();
    await expectSignedIn(tab);
    expect(await device.cookieGeneration()).toBe(1);
  });

  it('a service that is killed and restarted signs nobody out', async () => {
    const [device, tab] = await signedIn();
    await world.service.kill();
    await device.context.clock.fastForward(PAST_EXPIRY);
    expect((await tab.try('get', '/api/orders')).error).toMatchObject({
      code: 'UNEXPECTED_ANSWER',
      status: 502,
    });
    expect(await tab.state()).toMatchObject({ status: 'signed-in' });
    await world.service.restart();
    await tab.untilGeneration(1);
    await expectSignedIn(tab);
  });

  it('a database outage delays refreshes and signs nobody out', async () => {
    const database = await DatabaseProxy.open('browser_outage');
    const service = await world.instance({ MONGODB_URI: database.uri });
    try {
      world.gateway.leadTo(service.origin);
      const [device, tab] = await signedIn();
      database.cut();
      await device.context.clock.fastForward(PAST_EXPIRY);
      await eventually(
        () => statuses().includes(503),
        () => 'a refresh has met the outage',
      );
      expect(await tab.state()).toMatchObject({ status: 'signed-in', generation: 0 });
      database.restore();
      await tab.untilGeneration(1);
      await expectSignedIn(tab);
    } finally {
      await service.stop();
      await database.close();
    }
  });

  it('after a 429 the page waits as long as Retry-After says', async () => {
    const [device, tab] = await signedIn();
    world.gateway.fault(REFRESH, refuseWith(429, 'TOO_MANY_ATTEMPTS', { 'retry-after': '60' }));
    await stopClock(device);
    await device.context.clock.fastForward(PAST_EXPIRY);
    await eventually(
      () => statuses()[0] === 429,
      () => 'the 429 has been sent',
    );
    // Now, and a second before the end.
    for (const ms of [0, 59_000]) {
      await device.context.clock.fastForward(ms);
      expect((await tab.try('get', '/api/orders')).error).toMatchObject({
        code: 'TOO_MANY_ATTEMPTS',
        status: 429,
      });
      expect(statuses()).toEqual([429]);
    }
    await device.context.clock.fastForward(1_001);
    await tab.untilGeneration(1);
    await expectSignedIn(tab);
    expect(statuses()).toEqual([429, 200]);
  });

  it('a session that was ended elsewhere signs out every tab, once each and with the reason', async () => {
    const device = await world.device();
    const tabs = await device.signedIn(3);
    const { user } = await tabs[0].state();
    const elsewhere = await anotherSession(world.service.api(), user);
    await world.service.api().send('DELETE', '/auth/sessions', { token: elsewhere.accessToken });

    expect(await tabs[0].do('get', '/api/orders')).toMatchObject({ status: 401 });
    for (const tab of tabs) {
      await tab.untilStatus('signed-out');
      expect(await tab.signOuts()).toEqual(['SESSION_REVOKED']);
    }
    expect(await device.cookieGeneration()).toBeNull();
    expect(world.gateway.count(REFRESH)).toBe(1);
    // No loop: a signed-out page requests no token.
    expect(await tabs[1]!.do('get', '/api/orders')).toMatchObject({ status: 401 });
    expect(world.gateway.count(REFRESH)).toBe(1);
  });

  it("when a thief has used a stolen cookie, the owner's next refresh signs the owner out with the reason", async () => {
    const [device, tab] = await signedIn();
    const stolen = (await device.refreshToken())!;
    // The thief is a generation ahead and has used it, so the owner's next refresh reveals the theft.
    const thief = world.service.api({ 'user-agent': await tab.page.evaluate(() => navigator.userAgent) });
    const taken = await thief.refreshByCookie(stolen);
    await thief.me(taken.json.accessToken);
    world.gateway.leadTo(impatient.origin);
    await device.context.clock.fastForward(PAST_EXPIRY);
    await tab.untilStatus('signed-out');
    expect(await tab.signOuts()).toEqual(['REFRESH_TOKEN_REUSED']);
    expect(await device.cookieGeneration()).toBeNull();
  });
});
