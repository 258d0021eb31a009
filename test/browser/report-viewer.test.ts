import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, BrowserContextOptions, Page, Route } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import { anotherSession, PASSWORD, uniqueEmail } from '../support/http.js';
import { Service } from '../support/service.js';
import { violations } from './support/axe.js';
import { describeInBrowser, launchChromium } from './support/chromium.js';
import { expectFocus } from './support/expect-focus.js';
import {
  ADMIN,
  ADMIN_SETTINGS,
  PATIENCE_MS,
  shownReport,
  signIn as signInAt,
} from './support/report-page.js';
import { watchPages } from './support/watch-pages.js';

const REPORT = '/auth/admin/security-report';

describeInBrowser('the page where an administrator reads the report', () => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  let urls: string[];
  /** The report queries that were sent. */
  const asked = () =>
    urls
      .map((url) => new URL(url))
      .filter(({ pathname }) => pathname === REPORT)
      .map(({ searchParams }) => searchParams);

  beforeAll(async () => {
    [service, browser] = await Promise.all([Service.start(ADMIN_SETTINGS), launchChromium()]);
    const api = service.api();
    for (let attempt = 0; attempt < 3; attempt++)
      await api.post('/auth/login', { email: ADMIN.email, password: 'not-it', transport: 'body' });
  });
  afterAll(async () => {
    await browser?.close();
    await service?.dispose();
  });
  beforeEach(() => open());
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
    expect(urls.filter((url) => /eyJ|token=/.test(url))).toEqual([]);
  });

  async function open(options: BrowserContextOptions = {}, origin = service.origin): Promise<void> {
    await context?.close();
    context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      reducedMotion: 'reduce',
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    ({ complaints, urls } = watchPages(context));
    page = await context.newPage();
    await page.goto(`${origin}/report`);
  }

  const signIn = (who = ADMIN) => signInAt(page, who);
  const report = () => shownReport(page);

  async function problem(): Promise<string> {
    await page.locator('#problem').waitFor();
    return page.locator('#problem').innerText();
  }

  it('asks for a sign-in, and shows the report of thirty days with the newest counts', async () => {
    await signIn();
    const failed = async () => {
      await page.locator('#show').click();
      await page.locator('#progress').filter({ hasText: 'is shown' }).waitFor({ state: 'attached' });
      return (await report()).locator('.facts .card', { hasText: 'Failed logins' }).locator('dd').innerText();
    };
    expect(await eventually(failed, (count) => count === '3')).toBe('3');
    const frame = await report();
    expect(await frame.locator('h1').innerText()).toBe('Security report');
    expect(await frame.locator('header .note').first().innerText()).toMatch(/^30 days · made /);
    expect(asked()[0]?.get('format')).toBe('html');
    const days = Date.parse(asked()[0]?.get('to') ?? '') - Date.parse(asked()[0]?.get('from') ?? '');
    expect(days / 86_400_000).toBe(29);
    expect(
      await frame.locator('#failures').evaluate((canvas: HTMLCanvasElement) => canvas.width),
    ).toBeGreaterThan(100);
  });

  it('stays signed in after a reload and in another tab; a sign-out in one removes the report from both', async () => {
    await signIn();
    await report();
    await page.reload();
    await report();
    expect(await page.locator('#welcome').isVisible()).toBe(false);
    const second = await context.newPage();
    await second.goto(`${service.origin}/report`);
    await second.locator('iframe').waitFor();
    await second.locator('#logout').click();
    for (const tab of [page, second]) {
      await tab.locator('#welcome').waitFor();
      expect(await tab.locator('iframe').count()).toBe(0);
      expect(await tab.locator('#reading').isVisible()).toBe(false);
    }
  });

  it('markup injected into the report can run, fetch and open nothing', async () => {
    await signIn();
    const frame = await report();
    const outcome = await frame.evaluate<Record<string, string>>(`(async () => {
      const attempt = async (work) => { try { return String(await work()); } catch (error) { return error.name; } };
      const add = (name, attributes, text = '') => {
        const element = document.createElement(name);
        for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
        element.append(text);
        document.body.append(element);
        return element;
      };
      return {
        fetch: await attempt(() => fetch('${service.origin}/auth/me')),
        markup: await attempt(() => { document.body.innerHTML = '<b>x</b>'; }),
        script: await attempt(() => { add('script', {}, 'window.smuggled = 1'); return window.smuggled; }),
        handler: await attempt(() => { add('button', { onclick: 'window.smuggled = 2' }).click(); return window.smuggled; }),
        link: await attempt(() => { add('a', { href: 'javascript:window.smuggled = 3' }).click(); return window.smuggled; }),
        frame: await attempt(() => new Promise((done) => {
          document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
            if (effectiveDirective === 'frame-src') done(effectiveDirective);
          });
          add('iframe', { src: '${service.origin}/docs' });
        })),
      };
    })()`);
    expect(outcome).toEqual({
      fetch: 'TypeError',
      markup: 'TypeError',
      script: 'undefined',
      handler: 'TypeError',
      link: 'undefined',
      frame: 'frame-src',
    });
    // The browser reports each frame twice: for the report's policy and for the policy of the page around it.
    const framings = async () => complaints.filter((text) => text.startsWith('Framing')).length;
    expect(await eventually(framings, (count) => count === 2)).toBe(2);
    complaints.splice(0);
  });

  it('is painted completely on a full-page screenshot, including charts', async () => {
    await signIn();
    const frame = await report();
    const painted = await eventually(
      async () =>
        frame.evaluate<boolean>(
          "document.querySelectorAll('canvas').length > 1 && [...document.querySelectorAll('canvas')].every((canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))",
        ),
      (isPainted) => isPainted,
    );
    expect(painted).toBe(true);
    const image = await page.screenshot({ fullPage: true });
    // Read from the lowest tenth, outside the window: is there more than background?
    const colours = await page.evaluate<number>(`(async () => {
      const bytes = Uint8Array.from(atob('${image.toString('base64')}'), (character) => character.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      const context = canvas.getContext('2d');
      context.drawImage(picture, 0, 0);
      const top = Math.floor(picture.height * 0.8);
      const { data } = context.getImageData(0, top, picture.width, picture.height - top);
      return new Set(new Uint32Array(data.buffer)).size;
    })()`);
    expect(colours).toBeGreaterThan(20);
  });

  it('leaves no error in the console if nobody is signed in', async () => {
    const news: string[] = [];
    page.on('console', (message) => news.push(message.text()));
    await page.reload();
    await page.locator('#welcome').waitFor();
    await page.waitForLoadState('networkidle');
    expect(news).toEqual([]);
  });

  it('ignores messages about the height from other windows, and absurd heights', async () => {
    await signIn();
    await report();
    const height = () => page.evaluate<number>("document.querySelector('iframe').offsetHeight");
    expect(await eventually(height, (now) => now > 1000)).toBeGreaterThan(1000);
    const right = await height();
    await page.evaluate("postMessage({ type: 'report-height', height: 5000 }, '*')");
    const frame = await report();
    await frame.evaluate(
      "for (const height of [-1, 'x', NaN, null]) parent.postMessage({ type: 'report-height', height }, '*')",
    );
    await frame.evaluate("parent.postMessage('report-height', '*')");
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))');
    expect(await height()).toBe(right);
    await frame.evaluate("parent.postMessage({ type: 'report-height', height: 1e9 }, '*')");
    expect(await eventually(height, (now) => now === 100_000)).toBe(100_000);
  });

  it('shows other periods: the usual ones with a click, any others by their dates', async () => {
    await signIn();
    await report();
    await page.getByLabel('7 days').check();
    const heading = () => page.frameLocator('iframe').locator('header').innerText();
    expect(await eventually(heading, (text) => text.includes('7 days'))).toContain('7 days');
    await page.locator('#from').fill('2026-01-31');
    await page.locator('#to').fill('2026-02-02');
    await page.locator('#show').click();
    const dates = '31 January to 2 February 2026';
    expect(await eventually(heading, (text) => text.includes(dates))).toContain(dates);
    expect(await (await report()).locator('main > .card').first().innerText()).toContain(
      'No events were counted',
    );
    expect(await page.locator('[name=span]:checked').count()).toBe(0);
    const before = asked().length;
    await page.locator('#from').fill('2026-02-03');
    await page.locator('#show').click();
    expect(await page.evaluate("document.getElementById('to').validationMessage")).toBe(
      'The last day is before the first.',
    );
    expect(asked()).toHaveLength(before);
  });

  it('moves to the new day when left open overnight', async () => {
    await signIn();
    await report();
    const tomorrow = new Date(Date.now() + 86_400_000);
    await page.clock.setFixedTime(tomorrow);
    await page.locator('#show').click();
    const day = tomorrow.toISOString().slice(0, 10);
    await eventually(
      async () => asked().at(-1)?.get('to'),
      (to) => to === day,
    );
    expect(asked().at(-1)?.get('to')).toBe(day);
    // Days that the reader chose stay, and may include the new day.
    await page.locator('#from').fill('2026-01-01');
    await page.locator('#to').fill('2026-01-02');
    await page.clock.setFixedTime(tomorrow.getTime() + 86_400_000);
    await page.locator('#show').click();
    expect(await page.locator('#to').inputValue()).toBe('2026-01-02');
    expect(await page.locator('#to').getAttribute('max')).toBe(
      new Date(tomorrow.getTime() + 86_400_000).toISOString().slice(0, 10),
    );
  });

  it('reports a period with more days than the service returns at once', async () => {
    await signIn();
    await report();
    await page.locator('#from').fill('2020-01-01');
    await page.locator('#show').click();
    expect(await problem()).toMatch(/400 days/);
    await page.getByLabel('90 days').check();
    await page.locator('#problem').waitFor({ state: 'hidden' });
  });

  describe('saves the report', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'silent-auth-saved-'));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    async function saved(format: string): Promise<string> {
      await signIn();
      await report();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator(`.downloads [value=${format}]`).click(),
      ]);
      const [from, to] = [asked()[0]?.get('from'), asked()[0]?.get('to')];
      expect(download.suggestedFilename()).toBe(`security-report-${from}-to-${to}.${format}`);
      const path = join(folder, download.suggestedFilename());
      await download.saveAs(path);
      return path;
    }

    it('as HTML that opens from a disk', async () => {
      const path = await saved('html');
      const file = await context.newPage();
      await file.goto(pathToFileURL(path).href);
      expect(await file.locator('h1').innerText()).toBe('Security report');
      expect(await file.locator('html.drawn').count()).toBe(1);
    });

    it('as CSV', async () => {
      expect(await readFile(await saved('csv'), 'utf8')).toContain('login.failed');
    });

    it('as JSON', async () => {
      expect(JSON.parse(await readFile(await saved('json'), 'utf8'))).toMatchObject({
        to: asked()[0]?.get('to'),
      });
    });
  });

  it('informs a user without the role, and sends no query', async () => {
    const email = uniqueEmail('ada');
    await service.api().register({ email, password: PASSWORD, transport: 'body' });
    await signIn({ email, password: PASSWORD });
    await page.locator('#refused').waitFor();
    expect(await page.locator('#refused').innerText()).toContain('without the role admin');
    expect(await violations(page)).toEqual([]);
    expect(asked()).toEqual([]);
    await page.locator('#logout').click();
    await signIn();
    await report();
  });

  it('moves the keyboard focus to what is shown when somebody signs in or out', async () => {
    await expectFocus(page, '');
    await page.locator('#email').fill(ADMIN.email);
    await page.locator('#password').fill(ADMIN.password);
    await page.locator('#credentials [type=submit]').click();
    await page.locator('#reading').waitFor();
    await expectFocus(page, 'main');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.closest('form')?.id)).toBe('look');
    await page.locator('#logout').focus();
    await page.keyboard.press('Enter');
    await page.locator('#welcome').waitFor();
    await expectFocus(page, 'main');
    await page.keyboard.press('Tab');
    await expectFocus(page, 'email');
  });

  it('drops pending answers when somebody signs out', async () => {
    await page.route(`**${REPORT}*`, () => undefined);
    await signIn();
    await page.locator('#report[aria-busy=true]').waitFor({ state: 'attached' });
    await page.locator('#logout').click();
    await page.locator('#report[aria-busy=false]').waitFor({ state: 'attached' });
    expect(await page.locator('#problem').textContent()).toBe('');
    expect(await page.locator('#progress').textContent()).toBe('');
    await page.unroute(`**${REPORT}*`);
  });

  it('says what is wrong with the input, and that a session has ended', async () => {
    await page.locator('#welcome').waitFor();
    await page.locator('#email').press('Enter');
    await page.locator('#form-error').filter({ hasText: 'Give your e-mail address.' }).waitFor();
    await page.locator('#email').fill(ADMIN.email);
    await page.locator('#password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.locator('#form-error').filter({ hasText: 'wrong' }).waitFor();
    await signIn();
    await report();
    const { accessToken } = await anotherSession(service.api(), ADMIN.email);
    await service.api().send('POST', '/auth/logout-all', { token: accessToken });
    await page.locator('#show').click();
    await page.locator('#welcome').waitFor();
    await page.locator('#form-error').filter({ hasText: 'Your session has ended. Sign in again.' }).waitFor();
    expect(await page.locator('iframe').count()).toBe(0);
  });

  describe('explains in words why there is no report', () => {
    const answer = (status: number, headers: Record<string, string> = {}, body = '{}') => {
      return (route: Route) =>
        route.fulfill({ status, headers: { 'content-type': 'application/json', ...headers }, body });
    };

    it.each([
      [
        'too many requests',
        answer(429, { 'retry-after': '40' }),
        'Too many requests. Try again in 40 seconds.',
      ],
      ['many minutes', answer(429, { 'retry-after': '600' }), 'Too many requests. Try again in 10 minutes.'],
      ['no database', answer(503), 'The database does not answer. Try again in a moment.'],
      ['no role any more', answer(403), 'You are not an administrator of this service any more.'],
      ['a fault', answer(500, {}, 'no JSON'), 'The service answered 500.'],
      [
        'an error page from a proxy',
        answer(200),
        'The response is not a report. Is a proxy between this page and the service?',
      ],
      [
        'no connection',
        (route: Route) => route.abort(),
        'The service cannot be reached. Is this device offline?',
      ],
    ])('%s', async (_, handler, words) => {
      await page.route(`**${REPORT}*`, handler);
      await signIn();
      expect(await problem()).toBe(words);
      expect(await violations(page)).toEqual([]);
      await page.unroute(`**${REPORT}*`);
      await page.locator('#show').click();
      await report();
      expect(await page.locator('#problem').isVisible()).toBe(false);
    });

    it('no audit log', async () => {
      const silent = await Service.start({ ...ADMIN_SETTINGS, AUDIT: 'off' });
      try {
        await open({}, silent.origin);
        await signIn();
        expect(await problem()).toContain('this service keeps no audit log. AUDIT=on makes it keep one.');
      } finally {
        await silent.dispose();
      }
    });
  });

  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [320, 1440])
      it(`is accessible, and fits ${width} pixels without a second scroll bar, in ${colorScheme} colours`, async () => {
        await open({ colorScheme, viewport: { width, height: 800 } });
        await page.locator('#welcome').waitFor();
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
        await signIn();
        const frame = await report();
        const excess = async () => {
          const content = await frame.evaluate<number>('document.documentElement.scrollHeight');
          return content - (await page.evaluate<number>("document.querySelector('iframe').clientHeight"));
        };
        expect(await eventually(excess, (height) => height <= 0)).toBeLessThanOrEqual(0);
        await frame.locator('summary').first().click();
        expect(await eventually(excess, (height) => height <= 0)).toBeLessThanOrEqual(0);
        expect(await violations(page)).toEqual([]);
        expect(await violations(frame)).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
        expect(await frame.evaluate('document.documentElement.scrollWidth')).toBe(width);
      });
});
