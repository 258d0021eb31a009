import { launch } from 'puppeteer-core';
import { type Engine, findExecutable, type Requirement } from './engine.js';

/** Playwright needs its own Firefox build, a download; Puppeteer drives any Firefox by WebDriver BiDi. */
export const FIREFOX: Requirement = {
  name: 'Firefox',
  find: findFirefox,
  advice: 'install firefox-esr, or set FIREFOX_PATH to a Firefox',
};

function findFirefox(): string | null {
  return process.env.FIREFOX_PATH ?? findExecutable(['firefox-esr', 'firefox']);
}

/** @param settings preferences, as in `about:config` */
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
