// `node tools/record-demo.mjs URL`: records docs/images/thief-caught.gif from the demo page of a running service, in which a
// thief is caught. Needs Chromium (CHROMIUM_PATH) and ffmpeg.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';

const OUTPUT = fileURLToPath(new URL('../docs/images/thief-caught.gif', import.meta.url));
const MAX_BYTES = 1_000_000;
/** Slow enough to read, five frames a second, and the colours of the page. */
const FILTER = 'setpts=3*PTS,fps=5,split[a][b];[a]palettegen=max_colors=64[p];[b][p]paletteuse=dither=none';
const [url = 'http://localhost:3000'] = process.argv.slice(2);

const folder = mkdtempSync(join(tmpdir(), 'silent-auth-demo-'));
const video = join(folder, 'demo.gif');
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
  defaultViewport: { width: 960, height: 900 },
});
try {
  const page = await browser.newPage();
  await page.goto(url);
  await page.locator('#throwaway').click();
  await page.waitForSelector('#log .rotated');
  await page.$eval('#canvas', (canvas) => canvas.scrollIntoView({ block: 'start' }));
  const recorder = await page.screencast({ path: video, format: 'gif', fps: 4, colors: 64, scale: 0.75 });
  await delay(3000);
  await page.locator('#steal').click();
  await delay(4000);
  // The owner refreshes, the grace period ends, and the thief comes again.
  await page.locator('#wait:enabled').setTimeout(60_000).click();
  await page.waitForFunction(() => document.querySelector('#ended')?.checkVisibility(), { timeout: 60_000 });
  await delay(4000);
  await recorder.stop();
  execFileSync('ffmpeg', ['-loglevel', 'error', '-y', '-i', video, '-filter_complex', FILTER, OUTPUT]);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
const { size } = statSync(OUTPUT);
process.stdout.write(`${OUTPUT}: ${Math.round(size / 1000)} kB\n`);
if (size > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES / 1000} kB: record less, or in fewer colours`);
