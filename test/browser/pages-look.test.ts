import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { Service } from '../support/service.js';
import { violations } from './support/axe.js';
import { describeInBrowser, launchChromium } from './support/chromium.js';
import { ADMIN_SETTINGS, PATIENCE_MS, shownReport, signIn } from './support/report-page.js';
import { watchPages } from './support/watch-pages.js';

const WIDTHS = [360, 768, 1280];
const SCHEMES = ['light', 'dark'] as const;
const TOKEN = 'x'.repeat(43);

describeInBrowser('every page of the service', () => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext | undefined;
  let complaints: string[] = [];

  beforeAll(async () => {
    [service, browser] = await Promise.all([Service.start(ADMIN_SETTINGS), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.dispose();
  });
  afterEach(async () => {
    await context?.close();
    context = undefined;
    expect(complaints).toEqual([]);
  });

  async function open(path: string): Promise<Page> {
    context = await browser.newContext({ reducedMotion: 'reduce', timezoneId: 'America/New_York' });
    context.setDefaultTimeout(PATIENCE_MS);
    ({ complaints } = watchPages(context));
    const page = await context.newPage();
    await page.goto(service.origin + path);
    return page;
  }

  const see = (id: string) => (page: Page) => page.locator(`#${id}`).waitFor();

  const pages: [string, string, (page: Page) => Promise<unknown>][] = [
    ['the start page', '/', see('throwaway')],
    [
      'the demo, signed in',
      '/',
      async (page) => {
        await page.locator('#throwaway').click();
        await page.locator('#session-list li').waitFor();
      },
    ],
    [
      'the demo, after a session',
      '/',
      async (page) => {
        await page.locator('#throwaway').click();
        await page.locator('#logout').click();
        await see('ended')(page);
      },
    ],
    ['the report, before a sign-in', '/report', see('welcome')],
    [
      'the report with a user',
      '/report',
      async (page) => {
        await signIn(page);
        await shownReport(page);
        await page.locator('#user-id').fill(ADMIN_SETTINGS.ADMIN_EMAIL);
        await page.keyboard.press('Enter');
        await page.locator('#user-sessions li').first().waitFor();
      },
    ],
    ['a forgotten password', '/reset-password', see('ask')],
    ['a new password', `/reset-password#token=${TOKEN}`, see('choose')],
    ['a verification', `/verify-email#token=${TOKEN}`, see('verify')],
    ['a verification without a link', '/verify-email', see('none')],
    ['the API', '/docs', (page) => page.locator('.opblock').last().waitFor()],
    ['no such page', '/no/such/page', see('title')],
  ];

  it.each(pages)(
    '%s fits every width, is accessible in both colour schemes, and links back',
    async (_, path, show) => {
      const page = await open(path);
      await show(page);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        for (const colorScheme of SCHEMES) {
          await page.emulateMedia({ colorScheme });
          // Buttons change colour by a transition.
          await page.evaluate(
            'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))',
          );
          const seen = {
            width: await page.evaluate('document.documentElement.scrollWidth'),
            // The middle width has no element that the other two do not have.
            found: width === 768 ? [] : await violations(page),
          };
          expect({ path, colorScheme, ...seen }).toEqual({ path, colorScheme, width, found: [] });
        }
      }
      expect(await page.locator('header .brand').innerText()).toContain('Silent Auth');
      expect(await page.locator('header nav a').allInnerTexts()).toEqual(['Demo', 'Report', 'API']);
      expect(await page.title()).toContain('Silent Auth');
      await page.locator('header .brand').click();
      await page.waitForURL(`${service.origin}/`);
    },
  );

  it("a table of the report fits a phone, with the newest day first and in the reader's time zone", async () => {
    const page = await open('/report');
    await page.setViewportSize({ width: 360, height: 740 });
    await signIn(page);
    const frame = await shownReport(page);
    await frame.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
    for (const root of [page, frame])
      expect(
        await root.evaluate<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        ),
      ).toBe(0);
    const cut = await frame.evaluate<number>(
      "[...document.querySelectorAll('.scroll')].filter((each) => each.scrollWidth > each.clientWidth).length",
    );
    expect(cut).toBe(0);
    const today = new Date().toISOString().slice(0, 10);
    expect(await frame.locator('.scroll tbody th').first().innerText()).toBe(today);
    expect(await frame.locator('header time').innerText()).toMatch(/^\d+ \w+ \d{4}, \d\d:\d\d GMT-[45]$/);
  });

  it('an unknown address answers with a page for a browser, and with JSON for a program', async () => {
    const get = (accept?: string) =>
      service.api().send('GET', '/no/such/page', accept ? { headers: { accept } } : {});
    const page = await get('text/html,application/xhtml+xml,*/*;q=0.8');
    expect(page.status).toBe(404);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect(page.headers.vary).toContain('Accept');
    expect(page.text).not.toMatch(/\{\{|such\/page/);
    for (const accept of [undefined, '*/*', 'application/json'])
      expect((await get(accept)).json).toMatchObject({ statusCode: 404, code: 'NOT_FOUND' });
    const posted = await service.api().post('/no/such/page', {}, { headers: { accept: 'text/html' } });
    expect(posted.json).toMatchObject({ code: 'NOT_FOUND' });
  });
});
