import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it } from '@jest/globals';

/** What the stories need of a page; the method names are those that Playwright and Puppeteer share. */
export interface EnginePage {
  goto(url: string): Promise<unknown>;
  evaluate<Result>(run: () => Result | Promise<Result>): Promise<Result>;
  evaluate<Result, Argument>(
    run: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
  reload(): Promise<unknown>;
  goBack(): Promise<unknown>;
  close(): Promise<unknown>;
}

/** A device: its own cookies and storage, shared by its pages. */
export interface Profile<Page extends EnginePage = EnginePage> {
  newPage(): Promise<Page>;
  cookies(): Promise<readonly { readonly name: string; readonly value: string }[]>;
  close(): Promise<unknown>;
}

/** A running browser. */
export interface Engine<Context extends Profile = Profile> {
  newContext(options?: object): Promise<Context>;
  close(): Promise<unknown>;
}

/** What must be installed before a browser can be driven. */
export interface Requirement {
  readonly name: string;
  /** `null` if something is missing. */
  readonly find: () => unknown;
  /** What to install or set. */
  readonly advice: string;
}

/** Looks in `/usr/bin`, then for each name on the `PATH`. */
export function findExecutable(names: readonly string[]): string | null {
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable) ?? null;
}

/**
 * `describe` for tests that need a browser. Without the browser they are skipped, and the end of the run says
 * why; if `REQUIRE_BROWSER` names it, they fail.
 */
export function describeWith(
  { name: browser, find, advice }: Requirement,
  name: string,
  tests: () => void,
): void {
  if (find() !== null) return void describe(name, tests);
  const reason = `no ${browser} on this machine; ${advice}`;
  if (!process.env.REQUIRE_BROWSER?.includes(browser))
    return void describe.skip(name, () => it(reason, () => {}));
  describe(name, () => {
    it(`finds ${browser}, as REQUIRE_BROWSER asks`, () => {
      throw new Error(reason);
    });
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
