import { launch } from 'puppeteer-core';
import { type Engine, findExecutable, type Requirement } from './engine.js';

/** Playwright needs a Firefox of its own making, which is a download; Puppeteer drives any, by WebDriver BiDi. */
export const FIREFOX: Requirement = {
  name: 'Firefox',
  find: findFirefox,
  advice: 'install firefox-esr, or set FIREFOX_PATH to a Firefox',
};

function findFirefox(): string | null {
  return process.env.FIREFOX_PATH ?? findExecutable(['firefox-esr', 'firefox']);
}

/** @param settings of `about:config` */
export async function launchFirefox(settings: Record<string, unknown> = {}): Promise<Engine> {
  const browser = await launch({
    browser: 'firefox',
    executablePath: findFirefox() ?? '',
    headless: true,
    extraPrefsFirefox: settings,
  });
  return {
    newContext: async () => await browser.createBrowserContext(),
    close: () => browser.close(),
  };
}
