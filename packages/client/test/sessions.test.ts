/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { statusOf } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

describe('me and sessions', () => {
  it("resolve with the server's answers, after a refresh if the token is refused", async () => {
    const { auth } = await on.signedIn();
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    expect(await auth.me()).toMatchObject({ createdAt: '2026-01-01T00:00:00.000Z' });
    expect(await auth.sessions()).toEqual([{ id: 's1', current: true }]);
    expect([on.server.count('/auth/me'), on.server.count('/auth/refresh')]).toEqual([2, 1]);
  });

  it('reject if nobody is signed in', async () => {
    const { auth } = on.browser.tab();
    await expect(auth.me()).rejects.toMatchObject({ code: 'ACCESS_TOKEN_MISSING', status: 401 });
    await expect(auth.sessions()).rejects.toMatchObject({ code: 'ACCESS_TOKEN_MISSING' });
  });
});

describe('endSession', () => {
  it('rejects for an unknown session, whatever its id looks like', async () => {
    const { auth } = await on.signedIn();
    await expect(auth.endSession('../logout-all')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(on.server.received.at(-1)?.path).toBe('/auth/sessions/..%2Flogout-all');
  });

  it("signs out if it is this client's own", async () => {
    const tab = await on.signedIn();
    await tab.auth.endSession('s1');
    expect(statusOf(tab)).toBe('signed-out');
    expect(tab.signedOut).toEqual(['LOGOUT']);
  });
});

describe('endOtherSessions', () => {
  it('keeps this one', async () => {
    const tab = await on.signedIn();
    await tab.auth.endOtherSessions();
    expect(on.server.received.at(-1)).toMatchObject({ method: 'DELETE', path: '/auth/sessions' });
    expect(statusOf(tab)).toBe('signed-in');
  });
});
