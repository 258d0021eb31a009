// `ADMIN_PASSWORD=… node tools/take-pictures.mjs URL`: takes the pictures of the demo and the report for docs/images, from a
// service that was started with an empty DATA_DIR, this password and TRUST_PROXY=loopback. Needs Chromium (CHROMIUM_PATH).
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beginSession, experiment, waitForTheEnd, withBrowser } from './demo-page.mjs';

const MAX_BYTES = 80_000;
const ADMIN = { email: process.env.ADMIN_EMAIL ?? 'admin@example.com', password: process.env.ADMIN_PASSWORD };
const [url = 'http://localhost:3000'] = process.argv.slice(2);

/** @param what a page, or an element of it */
async function take(what, name, options = {}) {
  const path = fileURLToPath(new URL(`../docs/images/${name}.webp`, import.meta.url));
  await what.screenshot({ path, type: 'webp', quality: 75, ...options });
  const { size } = statSync(path);
  process.stdout.write(`${path}: ${Math.round(size / 1000)} kB\n`);
  if (size > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES / 1000} kB: show less`);
}

/** In a session of its own: a session in which a thief was caught counts for no false alarm. */
async function inNewSession(browser, work) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await beginSession(page, url);
  await work(page);
  await context.close();
}

async function takeDemo(browser) {
  await inNewSession(browser, async (page) => {
    await experiment(page, 'outage');
    await take(await page.$('#picture'), 'demo-lost-answer');
    await page.evaluate('scrollTo(0, 0)');
    await take(page, 'demo');
  });
  await inNewSession(browser, async (page) => {
    await experiment(page, 'steal');
    await waitForTheEnd(page);
    await take(page, 'demo-theft');
  });
}

/** Somebody tries passwords: the report has something to show. */
async function guessPasswords() {
  for (let index = 0; index < 12; index += 1)
    await fetch(new URL('/auth/login', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': `203.0.113.${index % 2}` },
      body: JSON.stringify({ email: ADMIN.email, password: `guess number ${index}` }),
    });
}

async function takeReport(browser) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1200, height: 900 });
  await page.goto(new URL('/report', url).href);
  await page.locator('#email').fill(ADMIN.email);
  await page.locator('#password').fill(ADMIN.password);
  await page.locator('#credentials [type=submit]').click();
  await page.locator('#period [value="7"]').click();
  const frame = await (await page.waitForSelector('#report iframe')).contentFrame();
  const lookUp = await frame.waitForSelector('.look-into');
  await take(page, 'report');
  await lookUp.click();
  await page.waitForSelector('#user-events li');
  await take(await page.$('.look'), 'report-user');
}

await withBrowser(async (browser) => {
  await takeDemo(browser);
  await guessPasswords();
  await takeReport(browser);
});
