import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import {
  anotherSession,
  expectAccessRevoked,
  expectError,
  newSession,
  PASSWORD,
  refreshed,
  uniqueEmail,
} from '../support/http.js';
import { HELD_CLOCK, Service } from '../support/service.js';
import { violations } from './support/axe.js';
import { describeInBrowser, launchChromium } from './support/chromium.js';
import { expectFocus } from './support/expect-focus.js';
import { ADMIN, ADMIN_SETTINGS, PATIENCE_MS, signIn } from './support/report-page.js';
import { watchPages } from './support/watch-pages.js';

const GRACE_MS = 60_000;
const THIEF = { 'user-agent': 'curl/8.5.0' };

describeInBrowser('an operator who looks up a user', () => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  let urls: string[];
  let addresses = 0;

  beforeAll(async () => {
    [service, browser] = await Promise.all([
      Service.start(
        {
          ...ADMIN_SETTINGS,
          REFRESH_GRACE_PERIOD: `${GRACE_MS / 1000}s`,
          THROTTLE: 'on',
          TRUST_PROXY: 'true',
        },
        HELD_CLOCK,
      ),
      launchChromium(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.dispose();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
    context.setDefaultTimeout(PATIENCE_MS);
    ({ complaints, urls } = watchPages(context));
    page = await context.newPage();
    await page.goto(`${service.origin}/report`);
    await signIn(page);
  });
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
    expect(urls.filter((url) => /eyJ|token=/.test(url))).toEqual([]);
  });

  async function lookUp(text: string): Promise<void> {
    await page.getByLabel('E-mail address or user id').fill(text);
    await page.keyboard.press('Enter');
  }

  /** From a unique address, so that no limit per address interferes. */
  const api = (headers: Record<string, string> = {}) =>
    service.api({ 'x-forwarded-for': `198.51.100.${(addresses += 1)}`, ...headers });
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const dialog = () => page.getByRole('dialog');
  const news = (text: string) => page.locator('#user-news').filter({ hasText: text }).waitFor();
  const problem = (text: string) => page.locator('#user-problem').filter({ hasText: text }).waitFor();
  const fact = (name: string) =>
    page
      .locator('#user-facts div')
      .filter({ has: page.getByText(name, { exact: true }) })
      .locator('dd');

  async function look(text: string): Promise<void> {
    await lookUp(text);
    await page.locator('#user-facts dd').first().waitFor();
  }

  async function confirm(name: string, typed?: string): Promise<void> {
    if (typed !== undefined) await dialog().getByRole('textbox').fill(typed);
    await dialog().getByRole('button', { name, exact: true }).click();
  }

  it('finds users by address or the beginning of one, and shows the account, its sessions and events', async () => {
    const name = uniqueEmail('mary').split('@')[0] ?? '';
    const mary = await newSession(api(), { email: `${name}@example.com`, deviceName: 'Laptop' });
    await newSession(api(), { email: `${name}.too@example.com` });
    await look(mary.email.toUpperCase());
    expect(await page.locator('#user-name').innerText()).toBe(mary.email);
    expect(await page.locator('#user-known-by').innerText()).toBe(mary.userId);
    await expectFocus(page, 'user-name');
    expect(await fact('Sign-in').innerText()).toBe('enabled');
    expect(await fact('Roles').innerText()).toBe('user');
    expect(await fact('E-mail').innerText()).toBe('not verified');
    expect(await fact('Password').innerText()).toBe('set');
    expect(await fact('Registered').innerText()).toMatch(/^\d+ \w+ \d{4}, \d\d:\d\d:\d\d \S+$/);
    expect(await page.locator('#user-sessions li').innerText()).toContain('Laptop');

    await lookUp(name);
    await page.locator('#found-news').filter({ hasText: `2 users whose address begins with` }).waitFor();
    expect(await page.locator('#found button').allInnerTexts()).toEqual(
      [`${name}.too@example.com`, mary.email].sort(),
    );
    expect(await violations(page)).toEqual([]);
    await page.locator('#found button', { hasText: '.too@' }).press('Enter');
    await page.locator('#user-facts dd').first().waitFor();
    expect(await page.locator('#user-name').innerText()).toBe(`${name}.too@example.com`);
    expect(await page.locator('#found button').count()).toBe(0);

    await lookUp('nobody-of-this-name');
    await page
      .locator('#look-problem')
      .filter({ hasText: 'No user has an e-mail address that begins' })
      .waitFor();
  });

  it('unlocks an account after too many wrong passwords', async () => {
    const { email } = await newSession(api());
    const guesser = api(THIEF);
    for (let attempt = 0; attempt < 11; attempt++) await guesser.login({ email, password: 'no' });
    const login = () => guesser.login({ email, password: PASSWORD, transport: 'body' });
    expectError(await login(), 429, 'TOO_MANY_ATTEMPTS');
    await look(email);
    await eventually(
      async () => {
        await button('Read again').click();
        await news('Read again');
        return fact('Locked out').innerText();
      },
      (text) => text.startsWith('refused as one too many'),
    );
    await button('Unlock').click();
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    expectError(await login(), 429, 'TOO_MANY_ATTEMPTS');
    await button('Unlock').click();
    await confirm('Unlock the user');
    await news(`Unlocked: ${email}.`);
    expect((await login()).status).toBe(200);
    await fact('Locked out').filter({ hasText: 'no, in the last 15 minutes' }).waitFor();
  });

  it('sets roles, and explains a refusal in words', async () => {
    const { email, accessToken } = await newSession(api());
    await look(email);
    await button('Set roles').click();
    await expectFocus(page, 'question-field');
    expect(await dialog().getByRole('textbox').inputValue()).toBe('user');
    expect(await violations(page)).toEqual([]);
    await page.keyboard.type(', editor');
    await page.keyboard.press('Enter');
    await news(`Roles of ${email}: user, editor.`);
    await fact('Roles').filter({ hasText: 'user, editor' }).waitFor();
    await expectAccessRevoked(api(), accessToken);
    await button('Set roles').click();
    await confirm('Set the roles', 'x'.repeat(65));
    await problem('Each role must be a text of 1 to 64 visible characters.');
    await look(ADMIN.email);
    await button('Set roles').click();
    await confirm('Set the roles', 'user');
    await problem('Administrators cannot change their own roles.');
  });

  it('acts for a user with a reason; leaving the user discards the token', async () => {
    const { email, userId } = await newSession(api());
    await look(email);
    await button('Act as the user').click();
    expect(await dialog().getByRole('button', { name: 'Get the token' }).isDisabled()).toBe(true);
    await confirm('Get the token', 'call 4711');
    await news(`You can act as ${email}`);
    await expectFocus(page, 'acting-token');
    const token = await page.locator('#acting-token').inputValue();
    const me = await api().me(token);
    expect(me.json).toMatchObject({ email, actor: { id: expect.stringMatching(/./) } });
    expect(await violations(page)).toEqual([]);
    const admin = await anotherSession(api(), ADMIN.email);
    const log = await eventually(
      async () =>
        (
          await api().send('GET', `/auth/admin/events?userId=${userId}&type=user.impersonated`, {
            token: admin.accessToken,
          })
        ).json.items,
      (items) => items.length > 0,
    );
    expect(log[0]).toMatchObject({ by: me.json.actor.id });
    expect(JSON.stringify(log[0])).toContain('call 4711');
    await button('Close').click();
    expect(await page.locator('#acting-token').inputValue()).toBe('');
    await look(ADMIN.email);
    await button('Act as the user').click();
    await confirm('Get the token', 'why not');
    await problem('Nobody can act for an administrator.');
  });

  it('asks for the password if the sign-in is not recent, and then continues', async () => {
    const { email } = await newSession(api());
    await look(email);
    const stale = { statusCode: 401, code: 'REAUTHENTICATION_REQUIRED', message: 'Confirm that it is you.' };
    await page.route('**/impersonate', (route) => route.fulfill({ status: 401, json: stale }), { times: 1 });
    await button('Act as the user').click();
    await confirm('Get the token', 'call 4712');
    const password = page.getByLabel('Your password');
    await password.fill('wrong');
    await page.keyboard.press('Enter');
    await problem('wrong');
    await page.route('**/impersonate', (route) => route.fulfill({ status: 401, json: stale }), { times: 1 });
    await button('Act as the user').click();
    await confirm('Get the token', 'call 4712');
    await password.fill(ADMIN.password);
    await page.keyboard.press('Enter');
    await news(`You can act as ${email}`);
    expect(await page.locator('#question-field').inputValue()).toBe('');
  });

  it('deletes a user only after their address was typed', async () => {
    const { email, accessToken, userId } = await newSession(api());
    await look(email);
    await button('Forget the user').click();
    const yes = dialog().getByRole('button', { name: 'Forget the user' });
    for (const typed of ['', email.slice(1), 'yes']) {
      await dialog().getByRole('textbox').fill(typed);
      expect(await yes.isDisabled()).toBe(true);
      await page.keyboard.press('Enter');
    }
    expect((await api().me(accessToken)).status).toBe(200);
    await dialog().getByRole('textbox').fill(email);
    await page.keyboard.press('Enter');
    await news(`Forgotten: ${email}.`);
    expect(await page.locator('#user').isVisible()).toBe(false);
    await expectFocus(page, 'user-id');
    await expectAccessRevoked(api(), accessToken);
    expectError(await api().login({ email, password: PASSWORD }), 401, 'INVALID_CREDENTIALS');
    await lookUp(userId);
    await problem('There is no such user.');
    await look(ADMIN.email);
    await button('Forget the user').click();
    await confirm('Forget the user', ADMIN.email);
    await problem('Administrators cannot delete themselves here.');
  });

  describe('in the report', () => {
    it('a thief appears among the clients that were not logged out', async () => {
      const honest = await newSession(api());
      await refreshed(api(), honest);
      await refreshed(api(), honest);
      const owner = await newSession(api());
      await refreshed(api(), owner);
      // The thief's copy within the grace period: answered like a second tab.
      const thief = await refreshed(api(THIEF), owner);
      await api().me(thief.accessToken);
      await service.advance(GRACE_MS + 1000);
      expectError(await api().refresh(owner.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
      const { accessToken } = await anotherSession(api(), ADMIN.email);
      const report = await eventually(
        async () => (await api().send('GET', '/auth/admin/security-report', { token: accessToken })).json,
        ({ falseAlarmsAvoided, reuseCases }) => reuseCases.length > 0 && falseAlarmsAvoided.replays === 1,
      );
      expect(report.falseAlarmsAvoided).toEqual({ replays: 1, recoveries: 0, healed: 0, isAtMost: false });
      const { count } = report.totals.find(({ type }: { type: string }) => type === 'refresh_token.replayed');
      expect(count).toBe(2);
      await page.locator('#show').click();
      const verdict = page.frameLocator('iframe').locator('.verdict');
      await verdict.filter({ hasText: '1 race between tabs or retry was answered' }).waitFor();
      expect(await verdict.innerText()).toContain('a theft or a second holder was found');
    });
  });
});
