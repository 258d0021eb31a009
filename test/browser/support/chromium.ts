import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it } from '@jest/globals';
import { type Browser, chromium } from 'playwright-core';

// Chromium only: Playwright needs a Firefox of its own making, which is a download; a distribution's is reached by
// WebDriver BiDi, and playwright-core's support of that is not public.

/** Of Debian, Ubuntu, Alpine, and of Google's own packages. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Without a sandbox, as in a container; and nothing that a browser does of its own accord on the network. */
export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The browser of this machine: `CHROMIUM_PATH`, `/usr/bin`, else the first of the usual names on the `PATH`. */
export function findChromium(): string | null {
  const given = process.env.CHROMIUM_PATH;
  if (given) return given;
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable) ?? null;
}

export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error('no browser on this machine: set CHROMIUM_PATH');
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/**
 * `describe` for tests that need a browser. Without one they are skipped, and the end of the run says why; with
 * `REQUIRE_BROWSER=1` they fail.
 */
export function describeInBrowser(name: string, tests: () => void): void {
  if (findChromium() !== null) return void describe(name, tests);
  if (process.env.REQUIRE_BROWSER === '1') {
    describe(name, () => {
      it('finds a browser, as REQUIRE_BROWSER=1 asks', () => {
        throw new Error(`none of ${NAMES.join(', ')} is here: install one or set CHROMIUM_PATH`);
      });
    });
    return;
  }
  const reason = 'no Chromium on this machine; set CHROMIUM_PATH to one';
  describe.skip(name, () => {
    it(reason, () => {});
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
