import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { chromium } from 'playwright-core';
import { PASSWORD, uniqueEmail } from '../support/http.js';
import { describeInBrowser, findChromium, FLAGS } from './support/chromium.js';
import { refuseWith } from './support/faults.js';
import { readableByScripts } from './support/readable-by-scripts.js';
import { Device, World } from './support/world.js';

const REFRESH = 'POST /auth/refresh';
const JWT = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g;
const revoked = refuseWith(401, 'ACCESS_TOKEN_REVOKED');

describeInBrowser('what the page can read and keep', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.open();
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  it('no token is anywhere that a script of the page can read', async () => {
    const device = await world.device();
    const tabs = await device.signedIn(2);
    const [tab] = tabs;
    for (const path of ['/api/one', '/api/two']) {
      world.gateway.fault(`GET ${path}`, revoked);
      expect(await tab.do('get', path)).toMatchObject({ status: 200 });
    }
    await tab.do('changePassword', { currentPassword: PASSWORD, newPassword: `${PASSWORD}-new` });
    await tab.do('axios', 'GET', '/orders');
    const generation = await device.cookieGeneration();
    expect(generation).not.toBeNull();

    for (const each of tabs) {
      const places = await each.page.evaluate(readableByScripts);
      expect(Object.keys(places).sort()).toEqual(
        ['cache', 'cookie', 'document', 'history', 'indexedDB', 'localStorage', 'performance', 'sessionStorage', 'window'], // prettier-ignore
      );
      for (const [place, text] of Object.entries(places)) {
        expect({ place, tokens: text.match(JWT) }).toEqual({ place, tokens: null });
      }
      // The hint says that there may be a session, and nothing else.
      expect(places.cookie).toBe('refresh_token_hint=1');
      // Proves that the search works: it must find these.
      expect(places.performance).toContain('/auth/refresh');
      expect(places.window).toContain(each.page.url());
    }
    await tab.page.evaluate(() => {
      Object.assign(window, {
        careless: { deep: ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWhlcmU'] },
      });
    });
    expect((await tab.page.evaluate(readableByScripts)).window).toMatch(JWT);
  });

  it('the refresh token is in no answer body, and in no message between tabs', async () => {
    const device = await world.device();
    // A script injected before all others, which sees every answer and every message between tabs.
    await device.context.addInitScript(() => {
      const heard: string[] = [];
      const original = window.fetch.bind(window);
      window.fetch = async (...parameters) => {
        const response = await original(...parameters);
        heard.push(JSON.stringify([...response.headers]), await response.clone().text());
        return response;
      };
      const { prototype } = BroadcastChannel;
      const post = Reflect.get(prototype, 'postMessage') as (message: unknown) => void;
      prototype.postMessage = function (message: unknown) {
        heard.push(`sent ${JSON.stringify(message)}`);
        post.call(this, message);
      };
      Object.assign(window, { heard });
    });
    const [tab] = await device.signedIn(2);
    const presented = new Set<string>();
    for (const path of ['/api/one', '/api/two']) {
      presented.add((await device.refreshToken())!);
      world.gateway.fault(`GET ${path}`, revoked);
      await tab.do('get', path);
    }
    presented.add((await device.refreshToken())!);
    expect(presented.size).toBe(3);

    const heard = await tab.page.evaluate(() => (window as unknown as { heard: string[] }).heard.join('\n'));
    expect(heard).toContain('accessToken');
    expect(heard).toContain('sent ');
    for (const token of presented) {
      expect(heard).not.toContain(token);
      expect(heard).not.toContain(token.split('.')[1]);
    }
  });

  it('with all cookies blocked, a login lasts as long as one access token and ends with a reason', async () => {
    const profile = await profileWithoutCookies();
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: findChromium()!,
      headless: true,
      args: FLAGS,
    });
    try {
      await context.clock.install();
      const device = new Device(context, world.gateway);
      const tab = await device.tab();
      await expect(tab.page.evaluate(() => localStorage.length)).rejects.toThrow('SecurityError');
      expect(await tab.state()).toMatchObject({ status: 'signed-out' });
      expect(await tab.signOuts()).toEqual([]);

      await tab.do('register', { email: uniqueEmail(), password: PASSWORD });
      expect(await tab.do('get', '/api/orders')).toMatchObject({ status: 200 });
      const before = world.gateway.count(REFRESH);
      await context.clock.fastForward('16:00');
      await tab.untilStatus('signed-out');
      expect(await tab.signOuts()).toEqual(['REFRESH_TOKEN_MISSING']);
      await context.clock.fastForward('16:00');
      expect(await tab.do('get', '/api/orders')).toMatchObject({ status: 401 });
      expect(world.gateway.count(REFRESH)).toBe(before + 1);

      await tab.do('login', { email: (await newUser(world)).email, password: PASSWORD });
      await tab.do('logout');
      expect(await tab.state()).toMatchObject({ status: 'signed-out' });
    } finally {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    }
  });
});

async function newUser(world: World): Promise<{ email: string }> {
  const email = uniqueEmail();
  await world.service.api().register({ email, password: PASSWORD });
  return { email };
}

/** A browser whose user blocks all cookies. */
async function profileWithoutCookies(): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), 'no-cookies-'));
  await mkdir(join(profile, 'Default'));
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(profile, 'Default/Preferences'), JSON.stringify(preferences));
  return profile;
}
