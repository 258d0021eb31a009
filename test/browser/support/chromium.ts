import { type Browser, chromium } from 'playwright-core';
import { describeWith, findExecutable, type Requirement } from './engine.js';

/** No sandbox, as in a container; and none of the browser's own network traffic. */
export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The paths on Debian, Ubuntu and Alpine, and of Google's packages; or `CHROMIUM_PATH`. */
export function findChromium(): string | null {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return process.env.CHROMIUM_PATH ?? findExecutable(names);
}

export const CHROMIUM: Requirement = {
  name: 'Chromium',
  find: findChromium,
  advice: 'install chromium, or set CHROMIUM_PATH to one',
};

/**
 * Chromium's headless shell if the machine has it: the same engine without menus and windows, which opens a page in half
 * the time. Otherwise the browser itself.
 */
export async function launchChromium(): Promise<Browser> {
  return launch(findHeadlessShell() ?? findChromium());
}

/** The browser that people use, for what must be shown in it. */
export async function launchWholeChromium(): Promise<Browser> {
  return launch(findChromium());
}

async function launch(executablePath: string | null): Promise<Browser> {
  if (executablePath === null) throw new Error('no browser on this machine: set CHROMIUM_PATH');
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

function findHeadlessShell(): string | null {
  return process.env.CHROMIUM_PATH ? null : findExecutable(['chromium-headless-shell']);
}

/**
 * `describe` for tests that only Playwright can run: they move a page's clock or inject scripts before the
 * page's own.
 */
export const describeInBrowser = (name: string, tests: () => void): void =>
  describeWith(CHROMIUM, name, tests);
