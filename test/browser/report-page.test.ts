import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { renderReportPage } from '../../src/audit/report/report-page.js';
import type { SecurityReport } from '../../src/audit/security-report.js';
import { eventually } from '../support/eventually.js';
import { busyReport, emptyReport, reportHolding } from '../support/report-of-days.js';
import { violations } from './support/axe.js';
import { describeInBrowser, launchChromium } from './support/chromium.js';

const CHARTS = ['findings', 'failures', 'users', 'refreshes', 'forgiven', 'ended'];
/** Chromium's advice for pages that read canvases often, which only the tests do. */
const ADVICE = /willReadFrequently/;
const WIDTHS = [320, 768, 1440];

/** For each series, the share of the canvas in the colour of its legend. Runs in the page. */
function inked(id: string): number[] {
  const canvas = document.getElementById(id) as HTMLCanvasElement;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  return [...canvas.closest('figure')!.querySelectorAll('.swatch')].map((swatch) => {
    const [red, green, blue] = getComputedStyle(swatch).color.match(/\d+/g)!.map(Number);
    let count = 0;
    for (let at = 0; at < data.length; at += 4)
      if (
        data[at + 3]! > 200 &&
        [red, green, blue].every((value, part) => Math.abs(data[at + part]! - value!) < 12)
      )
        count++;
    return count;
  });
}

/** WCAG 1.4.11: the contrast of each series with its background. Runs in the page. */
function contrasts(): number[] {
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = colour
      .match(/\d+/g)!
      .map((value) => Number(value) / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  return [...document.querySelectorAll('.swatch')].map((swatch) => {
    const [ink, ground] = [
      getComputedStyle(swatch).color,
      getComputedStyle(swatch.closest('.card')!).backgroundColor,
    ].map(luminance) as [number, number];
    return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
  });
}

describeInBrowser('the report page, saved as a file', () => {
  let browser: Browser;
  let folder: string;
  let context: BrowserContext | undefined;
  const complaints: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    [browser, folder] = await Promise.all([launchChromium(), mkdtemp(join(tmpdir(), 'silent-auth-report-'))]);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    await context?.close();
    context = undefined;
    // A violation of the content security policy would be among them.
    expect(complaints.splice(0)).toEqual([]);
    expect(requests.splice(0).filter((url) => !url.startsWith('file:'))).toEqual([]);
  });

  async function open(report: SecurityReport, options: BrowserContextOptions = {}): Promise<Page> {
    const file = join(folder, 'report.html');
    await writeFile(file, renderReportPage(report));
    await context?.close();
    context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (!ADVICE.test(message.text())) complaints.push(message.text());
    });
    page.on('dialog', (dialog) => complaints.push(dialog.message()));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    return page;
  }

  const widthOf = (page: Page): Promise<number> => page.evaluate('document.documentElement.scrollWidth');

  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of WIDTHS)
      it(`is accessible, fits ${width} pixels and draws its charts, in ${colorScheme} colours`, async () => {
        const page = await open(busyReport(), { colorScheme, viewport: { width, height: 900 } });
        expect(await widthOf(page)).toBe(width);
        expect(await violations(page)).toEqual([]);
        for (const id of CHARTS)
          for (const pixels of await page.evaluate(inked, id)) expect(pixels).toBeGreaterThan(5);
        expect(Math.min(...(await page.evaluate(contrasts)))).toBeGreaterThanOrEqual(3);
        await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
        expect(await widthOf(page)).toBe(width);
        expect(await violations(page)).toEqual([]);

        const empty = await open(emptyReport(), { colorScheme, viewport: { width, height: 900 } });
        expect(await widthOf(empty)).toBe(width);
        expect(await violations(empty)).toEqual([]);
      });

  it.each([1, 90, 400])('draws a period of %d days', async (days) => {
    const page = await open(busyReport(days), { viewport: { width: 1024, height: 900 } });
    for (const id of CHARTS)
      for (const pixels of await page.evaluate(inked, id)) expect(pixels).toBeGreaterThan(2);
    expect(await widthOf(page)).toBe(1024);
  });

  it('follows a change of the colour scheme, and prints in light colours', async () => {
    const page = await open(busyReport(), { colorScheme: 'light' });
    const swatch = () => page.evaluate<string>("getComputedStyle(document.querySelector('.swatch')).color");
    const drawn = () => page.evaluate(inked, 'findings');
    const light = await swatch();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await swatch()).not.toBe(light);
    // The script handles the change a little after the style sheet.
    await eventually(drawn, (pixels) => pixels.every((count) => count > 5));
    for (const pixels of await drawn()) expect(pixels).toBeGreaterThan(5);
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    expect(await swatch()).toBe(light);
    for (const pixels of await drawn()) expect(pixels).toBeGreaterThan(5);
    await page.evaluate("dispatchEvent(new Event('afterprint'))");
    expect(await swatch()).not.toBe(light);
    for (const pixels of await drawn()) expect(pixels).toBeGreaterThan(5);
  });

  it('draws without animation, whatever motion the reader prefers', async () => {
    const page = await open(busyReport(), { reducedMotion: 'no-preference' });
    const before = await page.evaluate(inked, 'findings');
    for (const count of before) expect(count).toBeGreaterThan(5);
    await page.waitForTimeout(600);
    expect(await page.evaluate(inked, 'findings')).toEqual(before);
  });

  it('resizes with its window', async () => {
    const page = await open(busyReport(), { viewport: { width: 1440, height: 900 } });
    const width = async () => (await page.locator('#failures').boundingBox())!.width;
    const wide = await width();
    await page.setViewportSize({ width: 320, height: 700 });
    expect(await eventually(width, (now) => now < wide / 2)).toBeLessThan(wide / 2);
    expect(await widthOf(page)).toBe(320);
    await page.setViewportSize({ width: 1440, height: 900 });
    expect(await eventually(width, (now) => now === wide)).toBe(wide);
  });

  it('without JavaScript shows every number, and no empty place', async () => {
    const page = await open(busyReport(), { javaScriptEnabled: false });
    expect(await page.locator('noscript').innerText()).toContain('The charts need JavaScript.');
    expect(await page.locator('canvas:visible').count()).toBe(0);
    await page.locator('summary').first().click();
    const rows = page.locator('details[open] tbody tr:visible');
    expect(await rows.count()).toBe(30);
    expect(await rows.nth(14).innerText()).toMatch(/^2026-11-06\s+12\s+3\s+2$/);
  });

  it('is usable by keyboard only: its tables open and scroll', async () => {
    const page = await open(busyReport(90));
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.innerText')).toMatch(/^Day by day/);
    await page.keyboard.press('Enter');
    await page.locator('details[open] .scroll').waitFor();
    await page.keyboard.press('Tab');
    const isThere = () => page.evaluate<boolean>("document.activeElement.matches('details[open] .scroll')");
    expect(await eventually(isThere, Boolean)).toBe(true);
    const scrolled = async () => {
      await page.keyboard.press('End');
      return page.evaluate<number>('document.activeElement.scrollTop');
    };
    expect(await eventually(scrolled, (top) => top > 100)).toBeGreaterThan(100);
  });

  it.each([
    '</script><script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '"><svg/onload=alert(1)>',
    '<!--<script>',
    '\u202Egpj.exe\u2066',
    `<b>${'long'.repeat(2000)}</b>`,
  ])('shows hostile text as text, without breaking the layout: %#', async (text) => {
    for (const width of [320, 1440]) {
      const page = await open(reportHolding(text), { viewport: { width, height: 900 } });
      expect(await widthOf(page)).toBe(width);
      expect(await page.locator('.ranks bdi').first().textContent()).toBe(text);
      expect(await page.locator('img, b:not(.legend b), [onload], [onerror]').count()).toBe(0);
      for (const pixels of await page.evaluate(inked, 'findings')) expect(pixels).toBeGreaterThan(5);
    }
  });

  it('cannot do more than draw: its policy refuses requests, scripts and styles', async () => {
    const page = await open(busyReport(2));
    const refused = await page.evaluate<string[]>(`(async () => {
      const found = [];
      const seen = new Promise((resolve) => addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
        found.push(effectiveDirective);
        if (found.length === 4) resolve();
      }));
      await fetch('https://example.invalid/').catch(() => {});
      new Image().src = 'https://example.invalid/pixel';
      document.body.append(Object.assign(document.createElement('style'), { textContent: 'p { color: red }' }));
      try { document.body.innerHTML = '<p>'; } catch {}
      await seen;
      return found.sort();
    })()`);
    expect(refused).toEqual(['connect-src', 'img-src', 'require-trusted-types-for', 'style-src-elem']);
    // The violations that the browser reports.
    expect(complaints.splice(0).length).toBeGreaterThanOrEqual(3);
    requests.splice(0);
  });
});
