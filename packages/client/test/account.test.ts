/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, uniqueEmail } from '../../../test/support/http.js';
import { Service } from '../../../test/support/service.js';
import { claimsOf } from '../../../test/support/tokens.js';
import { refusal } from './support/auth-server.js';
import { Browser, statusOf, until } from './support/browser.js';
import { stage } from './support/stage.js';

describe('what the links in mails need', () => {
  const on = stage();
  const CASES = [
    ['forgotPassword', '/auth/forgot-password', 202, { email: 'ada@example.com' }],
    ['resetPassword', '/auth/reset-password', 204, { token: 'of-a-link', newPassword: 'new' }],
    ['verifyEmail', '/auth/verify-email', 204, { token: 'of-a-link' }],
  ] as const;
  const send = (method: (typeof CASES)[number][0]) => {
    const { auth } = on.browser.tab();
    if (method === 'forgotPassword') return auth.forgotPassword('ada@example.com');
    if (method === 'verifyEmail') return auth.verifyEmail('of-a-link');
    return auth.resetPassword({ token: 'of-a-link', newPassword: 'new' });
  };

  it.each(CASES)('%s posts to %s without an access token', async (method, path, status, body) => {
    on.server.answer(path, { status });
    await send(method);
    expect(on.server.received.map((each) => each.path)).toEqual([path]);
    expect(JSON.parse(on.server.to(path)[0]?.body ?? '')).toEqual(body);
  });

  const ROUTES = CASES.map(([method, path]) => [method, path] as const);
  it.each(ROUTES)('%s rejects if %s is answered by a portal, or refused', async (method, path) => {
    on.server.answer(path, { status: 200, text: '<html>Wi-Fi terms</html>' });
    await expect(send(method)).rejects.toMatchObject({ code: 'UNEXPECTED_ANSWER', status: 200 });
    on.server.answer(path, refusal(400, 'ACTION_TOKEN_INVALID'));
    await expect(send(method)).rejects.toMatchObject({ code: 'ACTION_TOKEN_INVALID', status: 400 });
  });

  it('a ticket is requested with the access token, and again with a new one if that is refused', async () => {
    const { auth } = await on.signedIn();
    const refused = (await auth.getAccessToken()) ?? '';
    const ticket = { ticket: 'single-use', expiresIn: 30 };
    on.server.answer('/auth/ticket', refusal(401, 'ACCESS_TOKEN_EXPIRED'), { json: ticket });
    expect(await auth.ticket()).toEqual(ticket);
    const [first, second] = on.server.to('/auth/ticket').map(({ headers }) => headers.authorization);
    expect(first).toBe(`Bearer ${refused}`);
    expect(second).toBe(`Bearer ${await auth.getAccessToken()}`);
    expect(second).not.toBe(first);
  });
});

describe('account routes against the service', () => {
  let service: Service;
  let browser: Browser;

  beforeAll(async () => {
    service = await Service.start();
  });
  afterAll(() => service.dispose());

  const registered = async () => {
    browser = new Browser(`${service.origin}/auth`);
    const tab = browser.tab();
    const email = uniqueEmail('account');
    await tab.auth.register({ email, password: PASSWORD });
    return { tab, email };
  };

  it('reauthenticate continues the same session with the new token, in every tab', async () => {
    const { tab, email } = await registered();
    const second = browser.tab();
    await second.auth.restore();
    await until(() => tab.auth.getState().session?.generation === 1);
    const { session } = tab.auth.getState();
    const known = second.auth.getState().tokenExpiresAt;
    const before = (await tab.auth.getAccessToken()) ?? '';
    const beganAt = Number(claimsOf(before).auth_time);
    // The service counts in seconds.
    await until(() => Math.floor(Date.now() / 1000) > beganAt);
    expect(await tab.auth.reauthenticate({ password: PASSWORD })).toMatchObject({ email });
    const after = (await tab.auth.getAccessToken()) ?? '';
    expect(after).not.toBe(before);
    expect(Number(claimsOf(after).auth_time)).toBeGreaterThan(beganAt);
    expect(tab.auth.getState().session?.id).toBe(session?.id);
    await until(() => second.auth.getState().tokenExpiresAt !== known);
    expect(await second.auth.getAccessToken()).toBe(after);
    // The session can still be refreshed.
    expect((await browser.tab().auth.restore()).status).toBe('signed-in');
    browser.close();
  });

  it('reauthenticate with a wrong password rejects, and signs nobody out', async () => {
    const { tab } = await registered();
    const before = await tab.auth.getAccessToken();
    await expect(tab.auth.reauthenticate({ password: 'wrong' })).rejects.toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
    expect([statusOf(tab), await tab.auth.getAccessToken()]).toEqual(['signed-in', before]);
    browser.close();
  });

  it('a ticket comes from the service', async () => {
    const { tab } = await registered();
    const { ticket, expiresIn } = await tab.auth.ticket();
    expect(ticket).toMatch(/^[\w.-]{20,}$/);
    expect(expiresIn).toBeGreaterThan(0);
    browser.close();
  });

  it('the service refuses links with unknown tokens', async () => {
    const { tab } = await registered();
    await expect(tab.auth.verifyEmail('x'.repeat(43))).rejects.toMatchObject({ status: 400 });
    await expect(
      tab.auth.resetPassword({ token: 'x'.repeat(43), newPassword: `${PASSWORD}-new` }),
    ).rejects.toMatchObject({ status: 400 });
    expect(statusOf(tab)).toBe('signed-in');
    browser.close();
  });
});
