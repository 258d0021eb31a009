/** @jest-environment ./test/client/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { statusOf, until } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

describe('close', () => {
  it('ends timers and the talk with other tabs, and signs nobody out', async () => {
    const first = await on.signedIn();
    const second = on.browser.tab();
    await second.auth.restore();
    second.auth.close();
    expect(second.host.timers.size).toBe(0);
    second.host.show(true, true);
    expect(second.host.timers.size).toBe(0);
    const third = on.browser.tab();
    await third.auth.restore();
    await first.auth.logout();
    await until(() => statusOf(third) === 'signed-out');
    expect(statusOf(second)).toBe('signed-in');
    expect(second.signedOut).toEqual([]);
  });
});
