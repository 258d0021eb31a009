// What a visitor does on the demo page, for the tools that take pictures of it.
import puppeteer from 'puppeteer-core';

const TIMEOUT_MS = 60_000;

/** Opens a browser for the work and closes it after. Needs Chromium (CHROMIUM_PATH). */
export async function withBrowser(work) {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
    defaultViewport: { width: 960, height: 900 },
  });
  try {
    return await work(browser);
  } finally {
    await browser.close();
  }
}

/** Signs in with a throwaway account, and waits for the first refresh. */
export async function beginSession(page, url) {
  await page.goto(url);
  await page.locator('#throwaway').click();
  await page.waitForSelector('#log .rotated', { timeout: TIMEOUT_MS });
}

/** The owner refreshes, the grace period ends, and the thief comes again. */
export async function waitForTheEnd(page) {
  await page.locator('#wait:enabled').setTimeout(TIMEOUT_MS).click();
  await page.waitForFunction(() => document.querySelector('#ended')?.checkVisibility(), {
    timeout: TIMEOUT_MS,
  });
}

/** Clicks the button of an experiment, and waits until the page has said what came of it. */
export async function experiment(page, id) {
  const button = page.locator(`#${id}:enabled`).setTimeout(TIMEOUT_MS);
  await button.click();
  await page.waitForSelector(`#${id}:disabled`);
  await page.waitForSelector(`#${id}:enabled`, { timeout: TIMEOUT_MS });
}
