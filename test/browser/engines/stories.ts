import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { anotherSession, PASSWORD, uniqueEmail } from '../../support/http.js';
import { describeWith, type Engine, type Requirement } from '../support/engine.js';
import { exportOfTheKey } from '../support/export-of-the-key.js';
import {
  answerWith,
  type Fault,
  Hold,
  loseAnswer,
  loseRequest,
  proxyPage,
  refuseWith,
} from '../support/faults.js';
import { LONGEST_MESSAGE_WAIT_MS } from '../support/page-clock.js';
import { readableByScripts } from '../support/readable-by-scripts.js';
import { eventually, type Kind, type Tab } from '../support/tab.js';
import { World } from '../support/world.js';

const REFRESH = 'POST /auth/refresh';
const LOGOUT = 'POST /auth/logout';
const JWT = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/;
const revoked = refuseWith(401, 'ACCESS_TOKEN_REVOKED');

/** What every browser must do. Uses only what all of them support, so no page clock is moved. */
export function tellStories(requirement: Requirement, launch: () => Promise<Engine>): void {
  describeWith(requirement, `in ${requirement.name}`, () => {
    let world: World<Kind>;

    beforeAll(async () => {
      world = await World.openIn<Kind>(launch, { REFRESH_GRACE_PERIOD: '1s' });
    });
    afterEach(() => world.tidy());
    afterAll(() => world?.close());

    const sent = () => world.gateway.of(REFRESH).map(({ body }) => JSON.parse(body || '{}'));
    const expectSignedIn = async (...tabs: Tab<Kind>[]): Promise<void> => {
      const answers = await Promise.all(tabs.map((tab) => tab.do('get', '/api/mine')));
      expect(answers.map(({ status }) => status)).toEqual(tabs.map(() => 200));
      expect(await Promise.all(tabs.map((tab) => tab.signOuts()))).toEqual(tabs.map(() => []));
    };
    /** The API answers 401 to each tab once, after all tabs have sent their request. */
    const askAtOnce = async (tabs: Tab<Kind>[]): Promise<number[]> => {
      let allHaveAsked = () => {};
      const asking = new Promise<void>((resolve) => (allHaveAsked = resolve));
      let count = 0;
      const refuse: Fault = async (forward) => {
        count += 1;
        if (count === tabs.length) allHaveAsked();
        await asking;
        return revoked(forward);
      };
      const paths = tabs.map((_, index) => `/api/orders/${index}`);
      for (const path of paths) world.gateway.fault(`GET ${path}`, refuse);
      const asked = await Promise.all(tabs.map((tab, index) => tab.order('get', paths[index])));
      const outcomes = await Promise.all(asked.map(({ answer }) => answer));
      return outcomes.map(({ value }) => value?.status);
    };

    it('a reopened page finds who is signed in, and no script can read a token', async () => {
      const device = await world.device();
      const [tab] = await device.signedIn(1);
      const { user } = await tab.state();
      await tab.page.reload();
      expect(await tab.untilStatus('signed-in')).toMatchObject({ user, generation: 1 });
      await expectSignedIn(tab);
      const places = await tab.page.evaluate(readableByScripts);
      for (const [place, text] of Object.entries(places))
        expect({ place, token: JWT.exec(text)?.[0] }).toEqual({ place, token: undefined });
      expect(places.cookie).toBe('refresh_token_hint=1');
    });

    it('a visitor who never had a session causes one request for it, and no more', async () => {
      const device = await world.device();
      for (let visit = 0; visit < 2; visit += 1) {
        const tab = await device.tab();
        expect(await tab.state()).toMatchObject({ status: 'signed-out' });
        expect(world.gateway.count(REFRESH)).toBe(1);
      }
    });

    it('three tabs whose tokens are refused at the same time refresh once between them', async () => {
      const device = await world.device();
      // A fourth tab could reach the client's limit of rotations in one grace period.
      const tabs = await device.signedIn(3, '?patient');
      const hold = new Hold();
      world.gateway.fault(REFRESH, hold.fault);
      const answers = askAtOnce(tabs);
      await hold.isAnswered;
      await tabs[0].untilLockIsAwaitedBy(2);
      // A tab that had to wait for the lock also waits for the message of the tab that held it.
      await delay(LONGEST_MESSAGE_WAIT_MS);
      hold.release();
      expect(await answers).toEqual(tabs.map(() => 200));
      expect(world.gateway.of(REFRESH).map(({ status }) => status)).toEqual([200]);
      await expectSignedIn(...tabs);
    });

    it('tabs without a channel share the stored attempt, and nobody is signed out', async () => {
      const device = await world.device();
      const tabs = await device.signedIn(2, '?alone');
      for (let round = 0; round < 3; round += 1) {
        expect(await askAtOnce(tabs)).toEqual(tabs.map(() => 200));
        await Promise.all(tabs.map((tab) => tab.page.reload()));
        await Promise.all(tabs.map((tab) => tab.untilStatus('signed-in')));
      }
      for (const { attempt } of sent()) expect(attempt).toMatch(/^[\w-]{21}[AQgw]$/);
      await expectSignedIn(...tabs);
    });

    it('a page that lost answers retries with the same attempt', async () => {
      const device = await world.device();
      const [tab] = await device.signedIn(1);
      const endOutage = world.gateway.fault(REFRESH, loseAnswer, Infinity);
      await tab.page.reload();
      await eventually(
        () => world.gateway.count(REFRESH) >= 2,
        () => 'the page has asked twice',
      );
      await tab.page.reload();
      endOutage();
      await tab.untilStatus('signed-in');
      expect(new Set(sent().map(({ attempt }) => attempt)).size).toBe(1);
      await expectSignedIn(tab);
    });

    it('a request that takes longer than half the grace period is aborted and retried', async () => {
      const device = await world.device();
      // The second request must be answered within 10 s as well.
      const [tab] = await device.signedIn(1, '?grace=20');
      const hold = new Hold();
      world.gateway.fault(REFRESH, hold.fault);
      expect(await askAtOnce([tab])).toEqual([200]);
      hold.release();
      expect(world.gateway.count(REFRESH)).toBe(2);
      expect(new Set(sent().map(({ attempt }) => attempt)).size).toBe(1);
      await expectSignedIn(tab);
    });

    it.each([
      ['no answer', loseRequest],
      ['500', refuseWith(500, 'INTERNAL')],
      ['a 403 page of a proxy', proxyPage(403)],
      ['a 401 page of a proxy', proxyPage(401)],
      ["a portal's page", answerWith(200, '<html>Welcome to the hotel</html>')],
      ['a 401 with an unrelated code', refuseWith(401, 'PORTAL_LOGIN_REQUIRED')],
      ['403 CROSS_SITE_REQUEST', refuseWith(403, 'CROSS_SITE_REQUEST')],
      ['503', refuseWith(503, 'TEMPORARILY_UNAVAILABLE', { 'retry-after': '1' })],
    ])('%s in answer to a refresh signs nobody out, and the page recovers by itself', async (_, fault) => {
      const device = await world.device();
      const [tab] = await device.signedIn(1, '?grace=60');
      world.gateway.fault(REFRESH, fault, 2);
      await tab.page.reload();
      await tab.untilStatus('signed-in');
      expect(world.gateway.count(REFRESH)).toBe(3);
      await expectSignedIn(tab);
    });

    it('a logout signs out all tabs, is reported once in each, and no tab signs in again', async () => {
      const device = await world.device();
      const tabs = await device.signedIn(3);
      await tabs[1]?.do('logout');
      await Promise.all(tabs.map((tab) => tab.untilStatus('signed-out')));
      expect(await Promise.all(tabs.map((tab) => tab.signOuts()))).toEqual(tabs.map(() => ['LOGOUT']));
      await tabs[0].page.reload();
      await tabs[0].untilStatus('signed-out');
    });

    it('a logout reaches the service even if the application leaves the page at once', async () => {
      for (let run = 0; run < 3; run += 1) {
        const device = await world.device();
        const [tab] = await device.signedIn(1, '?leave');
        const { answer } = await tab.order('logout');
        // The page is gone, so the answer never arrives.
        answer.catch(() => undefined);
        await eventually(
          () => world.gateway.of(LOGOUT)[0]?.status === 204,
          () => 'the service has received the logout',
        );
        await eventually(
          async () => (await device.refreshToken()) === null,
          () => 'the cookie is gone',
        );
      }
    });

    it('a tab notices that another user has signed in in a second tab', async () => {
      const device = await world.device();
      const [first, second] = await device.signedIn(2);
      const email = uniqueEmail('next');
      await second?.do('register', { email, password: PASSWORD });
      await first.until(({ user }) => user === email, 'the first tab sees the new user');
      expect(await first.do('get', '/api/orders')).toMatchObject({ body: { user: email } });
    });

    it('a session that was ended elsewhere signs out every tab with the reason', async () => {
      const device = await world.device();
      const tabs = await device.signedIn(2);
      const { user } = await tabs[0].state();
      const elsewhere = await anotherSession(world.service.api(), user);
      await world.service.api().send('DELETE', '/auth/sessions', { token: elsewhere.accessToken });
      expect(await tabs[0].do('get', '/api/orders')).toMatchObject({ status: 401 });
      for (const tab of tabs) {
        await tab.untilStatus('signed-out');
        expect(await tab.signOuts()).toEqual(['SESSION_REVOKED']);
      }
    });

    it('a page restored by the back button shows who has signed in in the meantime', async () => {
      const device = await world.device();
      const [first, second] = await device.signedIn(2);
      await first.page.goto(`${world.gateway.origin}/elsewhere`);
      const email = uniqueEmail('next');
      await second?.do('register', { email, password: PASSWORD });
      await first.page.goBack();
      await first.until(({ user }) => user === email, 'the page sees the new user');
      expect(await first.do('me')).toMatchObject({ email });
    });

    it('a copied cookie of a session bound to a key is worthless, and scripts cannot export the key', async () => {
      const device = await world.device();
      const [tab] = await device.signedIn(1, '?proof');
      const thief = await world.service.api().refreshByCookie((await device.refreshToken()) ?? '');
      expect(thief.json.code).toBe('PROOF_REQUIRED');
      await tab.page.reload();
      await tab.untilStatus('signed-in');
      expect(await tab.page.evaluate(exportOfTheKey)).toBe('InvalidAccessError');
      await expectSignedIn(tab);
    });

    it('works under a policy that requires Trusted Types and allows none to be created', async () => {
      const device = await world.device();
      const tab = await device.open(`${world.gateway.origin}/strict`);
      await tab.do('register', { email: uniqueEmail(), password: PASSWORD });
      expect(await askAtOnce([tab])).toEqual([200]);
      await tab.page.reload();
      await tab.untilStatus('signed-in');
      await expectSignedIn(tab);
    });

    it('records an attempt fast enough to do so before each refresh', async () => {
      const device = await world.device();
      const [tab] = await device.signedIn(1);
      const ms = await tab.page.evaluate(medianOfStrictWrites);
      console.info(`${requirement.name}: a strict write takes ${ms.toFixed(1)} ms`);
      expect(ms).toBeLessThan(500);
    });
  });
}

// Runs in the page, so it must not refer to anything outside itself.

/** The median of 20 writes, in ms. */
async function medianOfStrictWrites(): Promise<number> {
  const { indexedRecords } = (await import(`${location.origin}/client/records.js`)) as {
    indexedRecords: (
      factory: IDBFactory,
      key: string,
    ) => { update(change: (record: object) => object): Promise<object> };
  };
  const records = indexedRecords(indexedDB, 'measured');
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await records.update((record) => ({ ...record, i }));
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[10] ?? 0;
}
