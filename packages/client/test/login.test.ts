/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { gate, refusal } from './support/auth-server.js';
import { ADA, GRACE, statusOf, until, userOf } from './support/browser.js';
import { FRESH_MS, stage } from './support/stage.js';

const on = stage();

describe('login', () => {
  it('signs in and resolves with the user', async () => {
    const { auth } = on.browser.tab();
    expect(await auth.login(ADA)).toMatchObject({ id: ADA.email });
    expect(auth.getState()).toMatchObject({
      status: 'signed-in',
      user: { id: ADA.email },
      session: { generation: 0 },
    });
    expect(JSON.parse(on.server.to('/auth/login')[0]?.body ?? '')).toEqual(ADA);
  });

  it('sends the fields of the device', async () => {
    const { auth } = on.browser.tab();
    await auth.login({ ...ADA, deviceName: 'Kitchen tablet' });
    expect(JSON.parse(on.server.to('/auth/login')[0]?.body ?? '')).toMatchObject({
      deviceName: 'Kitchen tablet',
    });
  });

  it("rejects with the server's code, status, details and Retry-After", async () => {
    const { auth } = on.browser.tab();
    const details = [{ field: 'email', message: 'must be an e-mail address' }];
    on.server.answer(
      '/auth/login',
      refusal(400, 'VALIDATION_FAILED', { details }),
      { ...refusal(429, 'TOO_MANY_ATTEMPTS'), headers: { 'retry-after': '7' } },
      { status: 502, text: 'Bad gateway' },
      { isLost: true },
    );
    const failure = () => auth.login(ADA).catch((error: unknown) => error);
    expect(await failure()).toMatchObject({ code: 'VALIDATION_FAILED', status: 400, details });
    expect(await failure()).toMatchObject({ code: 'TOO_MANY_ATTEMPTS', status: 429, retryAfter: 7 });
    expect(await failure()).toMatchObject({ code: 'UNEXPECTED_ANSWER', status: 502 });
    expect(await failure()).toMatchObject({ code: 'NETWORK_ERROR', status: undefined });
    expect(auth.getState().status).toBe('unknown');
  });

  it('a wrong password leaves the current user signed in', async () => {
    const tab = await on.signedIn();
    on.server.answer('/auth/login', refusal(401, 'INVALID_CREDENTIALS'));
    await expect(tab.auth.login(GRACE)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(userOf(tab)).toBe(ADA.email);
    expect(tab.signedOut).toEqual([]);
    expect(await tab.auth.getAccessToken()).toMatch(/^at\./);
  });

  it('failing during a restore() repeats the restore: the state does not stay unknown', async () => {
    await on.signedIn();
    const tab = on.browser.tab();
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const restored = tab.auth.restore().catch(() => undefined);
    await arrived;
    on.server.answer('/auth/login', refusal(401, 'INVALID_CREDENTIALS'));
    await expect(tab.auth.login(GRACE)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    open();
    await until(() => userOf(tab) === ADA.email);
    await restored;
    expect(tab.signedOut).toEqual([]);
  });

  it("a late answer to the previous user's refresh does not bring that user back", async () => {
    const tab = await on.signedIn();
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const late = tab.auth.getAccessToken({ refused: (await tab.auth.getAccessToken()) ?? '' });
    await arrived;
    await tab.auth.login(GRACE);
    open();
    await expect(late).rejects.toMatchObject({ code: 'SUPERSEDED' });
    expect(userOf(tab)).toBe(GRACE.email);
    expect(on.browser.jar.cookies.get('refresh_token')).toBe('s2.0');
  });

  it('a late cookie of the previous session does not sign its user in again', async () => {
    const tab = await on.signedIn();
    const cookie = on.browser.jar.cookies.get('refresh_token') ?? '';
    await tab.auth.login(GRACE);
    on.browser.jar.cookies.set('refresh_token', cookie);
    tab.host.sleep(FRESH_MS);
    expect(await tab.auth.getAccessToken({ refused: (await tab.auth.getAccessToken()) ?? '' })).toBeNull();
    expect(statusOf(tab)).toBe('signed-out');
    expect(tab.signedOut).toEqual(['SUPERSEDED']);
  });

  it('is seen by the other tabs, which take the new user', async () => {
    const first = await on.signedIn();
    const second = on.browser.tab();
    await second.auth.restore();
    await first.auth.login(GRACE);
    await until(() => userOf(second) === GRACE.email);
    expect(await second.auth.getAccessToken()).toBe(await first.auth.getAccessToken());
    expect(second.signedOut).toEqual([]);
  });

  it('the last of two logins wins', async () => {
    const tab = on.browser.tab();
    const first = tab.auth.login(ADA).catch((error: unknown) => error);
    const second = tab.auth.login(GRACE);
    expect(await first).toMatchObject({ code: 'SUPERSEDED' });
    await second;
    expect(userOf(tab)).toBe(GRACE.email);
  });
});
