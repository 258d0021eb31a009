import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { PASSWORD, uniqueEmail } from '../support/http.js';
import { describeInBrowser } from './support/chromium.js';
import { loseRequest, refuseWith } from './support/faults.js';
import { Gateway } from './support/gateway.js';
import { Tab } from './support/tab.js';
import { World } from './support/world.js';

const REFRESH = 'POST /auth/refresh';
const revoked = refuseWith(401, 'ACCESS_TOKEN_REVOKED');

describeInBrowser('requests of a page', () => {
  let world: World;
  /** The service on a different origin from the page. */
  let elsewhere: Gateway;

  beforeAll(async () => {
    [world, elsewhere] = await Promise.all([World.open(), Gateway.open()]);
    const { origin } = world.gateway;
    const trusted = [origin, origin.replace('127.0.0.1', 'localhost')].join(',');
    elsewhere.leadTo((await world.instance({ TRUSTED_ORIGINS: trusted })).origin);
  });
  afterEach(async () => {
    await world.tidy();
    elsewhere.reset();
  });
  afterAll(async () => {
    await world?.close();
    await elsewhere?.close();
  });

  const signedIn = async (): Promise<Tab> => (await (await world.device()).signedIn(1))[0];

  it.each([
    ['auth.fetch', 'post'],
    ['auth.fetch of a Request', 'postRequest'],
  ])('a POST by %s whose token is refused is sent again with its body', async (_, order) => {
    const tab = await signedIn();
    world.gateway.fault('POST /api/orders', revoked);
    const { status, body } = await tab.do(order, '/api/orders', { buy: 'a boat' });
    expect({ status, body: JSON.parse(body.body) }).toEqual({ status: 200, body: { buy: 'a boat' } });
    expect(world.gateway.of('POST /api/orders').map((seen) => seen.body)).toEqual(
      Array(2).fill('{"buy":"a boat"}'),
    );
    expect(world.gateway.count(REFRESH)).toBe(1);
  });

  it('a stream cannot be sent twice: its 401 is returned, and the user stays signed in', async () => {
    const tab = await signedIn();
    // Chromium sends streams over HTTP/2 only, so the browser's interception answers instead of the gateway.
    let sent = 0;
    await tab.page.route('**/api/upload', (route) => {
      sent++;
      return route.fulfill({ status: 401, json: { statusCode: 401, code: 'ACCESS_TOKEN_REVOKED' } });
    });
    const answer = await tab.do('postStream', '/api/upload', { buy: 'a boat' });
    expect(answer).toMatchObject({ status: 401, body: { code: 'ACCESS_TOKEN_REVOKED' } });
    expect(sent).toBe(1);
    expect(await tab.do('get', '/api/orders')).toMatchObject({ status: 200 });
  });

  it('a request that is refused a second time is not sent a third time', async () => {
    const tab = await signedIn();
    world.gateway.fault('GET /api/orders', revoked, 5);
    expect(await tab.do('get', '/api/orders')).toMatchObject({ status: 401 });
    expect(world.gateway.count('GET /api/orders')).toBe(2);
    expect(world.gateway.count(REFRESH)).toBe(1);
    expect(await tab.signOuts()).toEqual([]);
  });

  it('a 401 that is not about the token is returned unchanged', async () => {
    const tab = await signedIn();
    world.gateway.fault('GET /api/orders', refuseWith(401, 'SECOND_FACTOR_NEEDED'));
    expect(await tab.do('get', '/api/orders')).toMatchObject({ body: { code: 'SECOND_FACTOR_NEEDED' } });
    expect(world.gateway.count(REFRESH)).toBe(0);
  });

  it('an axios instance with its own interceptors works without other changes', async () => {
    const tab = await signedIn();
    const { user } = await tab.state();
    const shown = await tab.do('axios', 'GET', '/orders');
    expect(shown).toMatchObject({ status: 200, body: { user, page: 'own interceptor', unwrapped: true } });

    world.gateway.fault('POST /api/orders', revoked);
    const sent = await tab.do('axios', 'POST', '/orders', { buy: 'a boat' });
    expect(sent).toMatchObject({ status: 200, body: { user, body: '{"buy":"a boat"}', unwrapped: true } });
    expect(world.gateway.count('POST /api/orders')).toBe(2);
    expect(world.gateway.count(REFRESH)).toBe(1);
  });

  it('errors of axios reach the page unchanged', async () => {
    const tab = await signedIn();
    world.gateway.fault('GET /api/orders', refuseWith(403, 'FORBIDDEN'));
    expect((await tab.try('axios', 'GET', '/orders')).error).toMatchObject({ code: 'ERR_BAD_REQUEST' });
    world.gateway.fault('GET /api/orders', loseRequest);
    expect((await tab.try('axios', 'GET', '/orders')).error).toMatchObject({ code: 'ERR_NETWORK' });
    expect(world.gateway.count(REFRESH)).toBe(0);
  });

  it('a page on another origin of the site signs in, refreshes and comes back after a reload', async () => {
    const device = await world.device();
    const tab = await device.tab(`?auth=${elsewhere.origin}/auth`);
    const email = uniqueEmail();
    await tab.do('register', { email, password: PASSWORD });
    const cors = {
      'access-control-allow-origin': world.gateway.origin,
      'access-control-allow-credentials': 'true',
    };
    elsewhere.fault('GET /auth/sessions', refuseWith(401, 'ACCESS_TOKEN_REVOKED', cors));
    expect(await tab.do('get', `${elsewhere.origin}/auth/sessions`)).toMatchObject({ status: 200 });
    await tab.untilGeneration(1);
    await tab.page.reload();
    await tab.untilGeneration(2);
    expect(await tab.do('me')).toMatchObject({ email });
    await tab.do('logout');
    expect(await device.context.cookies()).not.toContainEqual(
      expect.objectContaining({ name: 'refresh_token' }),
    );
  });

  it('an origin that is not trusted never sees the token', async () => {
    const tab = await signedIn();
    await tab.try('get', `${elsewhere.origin}/api/orders`);
    await tab.try('get', `${elsewhere.origin}/auth/me`);
    expect(elsewhere.requests.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
  });

  it('a page whose origin the service does not trust gets a typed error, and no loop', async () => {
    const stranger = await Gateway.open();
    try {
      const { context } = await world.device();
      await context.clock.install();
      const tab = await Tab.load(context, `${stranger.origin}/?auth=${elsewhere.origin}/auth`);
      const { error } = await tab.try('login', { email: uniqueEmail(), password: PASSWORD });
      expect(error).toMatchObject({ code: 'NETWORK_ERROR' });
      for (let minute = 0; minute < 5; minute++) await context.clock.fastForward('01:00');
      expect(await tab.state()).toMatchObject({ status: 'unknown' });
      expect(await tab.signOuts()).toEqual([]);
      const asked = elsewhere.count(REFRESH) + elsewhere.count('OPTIONS /auth/refresh');
      expect(asked).toBeGreaterThan(0);
      // The pauses between attempts grow; without them there would be hundreds of requests.
      expect(asked).toBeLessThan(25);
    } finally {
      await stranger.close();
    }
  });

  it("a page on another site, where the browser blocks the service's cookie, is signed out at expiry with the reason", async () => {
    const device = await world.device();
    await device.context.clock.install();
    const page = world.gateway.origin.replace('127.0.0.1', 'localhost');
    const tab = await device.open(`${page}/?auth=${elsewhere.origin}/auth`);
    await tab.do('register', { email: uniqueEmail(), password: PASSWORD });
    expect(await tab.do('get', `${elsewhere.origin}/auth/me`)).toMatchObject({ status: 200 });
    const before = elsewhere.count(REFRESH);

    await device.context.clock.fastForward('16:00');
    await tab.untilStatus('signed-out');
    expect(await tab.signOuts()).toEqual(['REFRESH_TOKEN_MISSING']);
    await tab.try('get', `${elsewhere.origin}/auth/me`);
    expect(elsewhere.count(REFRESH)).toBe(before + 1);
  });
});
