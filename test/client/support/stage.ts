import { afterEach, beforeEach } from '@jest/globals';
import { AuthServer } from './auth-server.js';
import { ADA, Browser, type Tab } from './browser.js';

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
      return tab;
    };
  });
  afterEach(async () => {
    set.browser.close();
    await set.server.stop();
  });
  return set;
}
