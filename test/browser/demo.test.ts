import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { PASSWORD, uniqueEmail } from '../support/http.js';
import { Service } from '../support/service.js';
import { violations } from './support/axe.js';
import { describeInBrowser, launchChromium } from './support/chromium.js';
import { watchPages } from './support/watch-pages.js';

/** An upper limit for a busy machine; every wait ends as soon as its condition holds. */
const PATIENCE_MS = 60_000;
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };

describeInBrowser('the demo page', () => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** Console complaints of the pages, and every URL they requested. */
  let complaints: string[];
  let urls: string[];

  beforeAll(async () => {
    [service, browser] = await Promise.all([
      // Shorter-lived tokens, with the usual grace period so that a busy machine does not exceed it.
      Service.start({ ACCESS_TOKEN_TTL: '6s' }),
      launchChromium(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.dispose();
  });

  beforeEach(() => open());
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
    // No token in any URL.
    expect(urls.filter((url) => /eyJ|token=/.test(url))).toEqual([]);
  });

  async function open(options: Parameters<Browser['newContext']>[0] = { viewport: DESK }): Promise<void> {
    await context?.close();
    context = await browser.newContext(options);
    context.setDefaultTimeout(PATIENCE_MS);
    ({ complaints, urls } = watchPages(context));
    page = await context.newPage();
    await page.goto(service.origin);
    await page.locator('#throwaway').waitFor();
  }

  async function begin(): Promise<void> {
    await page.locator('#throwaway').click();
    await page.locator('#token').waitFor();
  }

  const outcome = async (id: string, wanted: RegExp): Promise<string> => {
    const element = page.locator(`#${id}`).filter({ hasText: wanted });
    await element.waitFor();
    return (await element.textContent()) ?? '';
  };

  it('registers and signs in by keyboard only; the form says what is missing', async () => {
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the session');
    await page.locator('#email').focus();
    await page.keyboard.press('Enter');
    await page.locator('#form-error').filter({ hasText: 'Give your e-mail address.' }).waitFor();
    await page.keyboard.type(uniqueEmail('visitor'));
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page
      .locator('#form-error')
      .filter({ hasText: /wrong|password/i })
      .waitFor();
    await page.locator('button[value=register]').focus();
    await page.keyboard.press('Enter');
    await page.locator('#token').waitFor();
  });

  it('renews its token by itself, and no token is readable by scripts or kept in storage', async () => {
    await begin();
    await page.locator('#log .rotated').first().waitFor();
    await page.locator('#renewed').filter({ hasText: 'by itself' }).waitFor();
    const stored = await page.evaluate(`(async () => JSON.stringify([
      Object.entries(localStorage), Object.entries(sessionStorage), document.cookie, location.href, history.state,
      (await indexedDB.databases()).length, (await caches.keys()).length, window.name, document.documentElement.outerHTML,
    ]))()`);
    const cookies = await context.cookies();
    const token = cookies.find(({ name }) => name === 'refresh_token');
    expect(token).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(stored).not.toContain('eyJ');
    expect(stored).not.toContain(token?.value);
    expect(stored).toMatch(/^\[\[\],\[\],"refresh_token_hint=1"/);
  });

  it('a reload continues the same session', async () => {
    await begin();
    const who = await page.locator('#who').textContent();
    await page.reload();
    await page.locator('#token').waitFor();
    expect(await page.locator('#who').textContent()).toBe(who);
  });

  it('two tabs share the session and take turns to refresh; a logout in one is a logout in both', async () => {
    await begin();
    const [second] = await Promise.all([context.waitForEvent('page'), page.locator('#second-tab').click()]);
    await second.locator('#token').waitFor();
    expect(await second.locator('#tab').textContent()).toBe('This is tab B');
    await page.locator('#log').filter({ hasText: 'Tab B refreshed' }).waitFor();
    expect(await page.locator('#who').textContent()).toBe(await second.locator('#who').textContent());
    await second.locator('#logout').click();
    await page.locator('#ended').waitFor();
    expect(await page.locator('#ended-title').textContent()).toBe('You are signed out');
  });

  it('a lost answer is repeated, also after a longer outage; the visitor stays signed in', async () => {
    await begin();
    await page.locator('#lose').click();
    expect(await outcome('lose-outcome', /^Replayed/)).toContain('the same token');
    await page.locator('#outage:enabled').click();
    expect(await outcome('lose-outcome', /^Replayed.* after the grace period/)).toContain('lost, not stolen');
    await page.locator('#canvas .badge.replayed').first().waitFor();
    expect(await page.locator('#canvas desc').textContent()).toMatch(/\d replays?/);
    expect(await page.locator('#ended').isVisible()).toBe(false);
  });

  it('a thief gets nothing from a session bound to a key, and the visitor notices nothing', async () => {
    await page.locator('#bound').check();
    await begin();
    await page.locator('#key').filter({ hasText: 'a key of this browser' }).waitFor();
    await page.locator('#steal').click();
    expect(await outcome('theft-outcome', /^Refused/)).toContain('PROOF_REQUIRED');
    await page.locator('#wait:enabled').click();
    expect(await outcome('theft-outcome', /^Refused: PROOF_REQUIRED/)).toContain('you noticed nothing');
    expect(await page.locator('#log .proof_failed.thief').first().textContent()).toContain('without the key');
    // The session continues, also after a reload and in another tab.
    await page.reload();
    await page.locator('#token').waitFor();
    expect(await page.locator('#ended').isVisible()).toBe(false);
    expect(await violations(page)).toEqual([]);
  });

  it('a thief is refused within the grace period and caught after it, and every tab explains why', async () => {
    await begin();
    const [second] = await Promise.all([context.waitForEvent('page'), page.locator('#second-tab').click()]);
    await second.locator('#token').waitFor();
    expect(await page.locator('#wait').isDisabled()).toBe(true);
    await page.locator('#steal').click();
    expect(await outcome('theft-outcome', /^Refused, for now/)).toContain('REFRESH_CONTESTED');
    await page.locator('#wait:enabled').click();
    for (const tab of [page, second]) {
      await tab.locator('#ended').filter({ hasText: 'A thief was caught' }).waitFor();
      await tab.locator('#log .reuse_detected').waitFor();
      await tab.locator('#canvas .badge.reuse_detected').waitFor();
      expect(await tab.locator('#canvas desc').textContent()).toContain('ended because of theft');
    }
    expect(await page.evaluate('document.activeElement.id')).toBe('ended');
    expect(await page.locator('#announcer').textContent()).toMatch(/theft|Caught/);
    expect(await violations(page)).toEqual([]);
    await begin();
    expect(await page.locator('#ended').isVisible()).toBe(false);
  });

  it('renews a session that began elsewhere early, and says that its tokens last minutes', async () => {
    // As if another page of the service had signed in: the browser has the cookie.
    const long = await Service.start({});
    try {
      await page.goto(`${long.origin}/docs`);
      const status = await page.evaluate(
        async (body) => {
          const headers = { 'content-type': 'application/json' };
          return (await fetch('/auth/register', { method: 'POST', headers, body: JSON.stringify(body) }))
            .status;
        },
        { email: uniqueEmail('visitor'), password: PASSWORD },
      );
      expect(status).toBe(201);
      await page.goto(long.origin);
      await page.locator('#long-life').filter({ hasText: 'live for 15 minutes' }).waitFor();
      expect(Number(await page.locator('#seconds').textContent())).toBeLessThanOrEqual(20);
      await page.locator('#log .rotated').first().waitFor();
      await page.locator('#renewed').filter({ hasText: 'by itself' }).waitFor();
    } finally {
      await long.dispose();
    }
  });

  it('lists the sessions, and ends another one', async () => {
    await begin();
    const email = (await page.locator('#who').textContent()) ?? '';
    await page.locator('#logout').click();
    await page.locator('#ended').waitFor();
    const own = uniqueEmail('visitor');
    expect(email).not.toBe(own);
    await service.api().register({ email: own, password: PASSWORD, deviceName: 'Phone', transport: 'body' });
    await page.locator('#email').fill(own);
    await page.locator('#password').fill(PASSWORD);
    await page.locator('button[value=login]').click();
    const phone = page.locator('#session-list li').filter({ hasText: 'Phone' });
    await phone.locator('button').click();
    await phone.waitFor({ state: 'detached' });
    expect(await page.locator('#session-list li').count()).toBe(1);
    await page.locator('#session-list button').click();
    await page.locator('#ended').waitFor();
  });

  for (const colorScheme of ['light', 'dark'] as const)
    for (const viewport of [PHONE, DESK])
      it(`is accessible, and fits ${viewport.width} pixels, in ${colorScheme} colours`, async () => {
        await open({ viewport, colorScheme, reducedMotion: 'reduce' });
        expect(await violations(page)).toEqual([]);
        await begin();
        await page.locator('#lose').click();
        await outcome('lose-outcome', /^(Replayed|Recovered)/);
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width);
      });
});
