import { afterEach, beforeEach } from '@jest/globals';
import { AuthServer } from './auth-server.js';
import { ADA, Browser, type Tab } from './browser.js';

/** How long a token counts as new. */
export const FRESH_MS = 10_000;

export interface Stage {
  server: AuthServer;
  browser: Browser;
  /** A tab in which Ada is signed in. */
  signedIn(): Promise<Tab>;
}

/** A server and a browser of its own for each test. */
export function stage(): Stage {
  const set = {} as Stage;
  beforeEach(async () => {
    set.server = await AuthServer.start();
    set.browser = new Browser(set.server.baseUrl);
    set.signedIn = async () => {
      const tab = set.browser.tab();
      await tab.auth.login(ADA);
      // A refusal of a new token is no reason to refresh.
      tab.host.sleep(FRESH_MS);
      return tab;
    };
  });
  afterEach(async () => {
    set.browser.close();
    await set.server.stop();
  });
  return set;
}
