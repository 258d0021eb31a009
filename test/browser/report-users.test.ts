import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page, Route } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import {
  anotherSession,
  expectAccessRevoked,
  expectError,
  newSession,
  PASSWORD,
  refreshed,
  type Session,
  uniqueEmail,
} from '../support/http.js';
import { Service } from '../support/service.js';
import { violations } from './support/axe.js';
import { describeInBrowser, launchChromium } from './support/chromium.js';
import { expectFocus } from './support/expect-focus.js';
import { ADMIN, ADMIN_SETTINGS, PATIENCE_MS, shownReport, signIn } from './support/report-page.js';
import { watchPages } from './support/watch-pages.js';

const HOME = { 'x-forwarded-for': '192.0.2.10' };
const AWAY = { 'x-forwarded-for': '203.0.113.66', 'user-agent': 'curl/8.5.0' };
const ANY_USER = '**/auth/admin/users/**';
const ANY_EVENTS = '**/auth/admin/events*';
const NOBODY = '0123456789abcdef01234567';

describeInBrowser('looking into a user from the report', () => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  let urls: string[];

  beforeAll(async () => {
    const settings = {
      TRUST_PROXY: 'true',
      REFRESH_GRACE_PERIOD: '0',
      REFRESH_LOST_RESPONSE_WINDOW: '0',
    };
    [service, browser] = await Promise.all([
      Service.start({ ...ADMIN_SETTINGS, ...settings }),
      launchChromium(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.dispose();
  });
  beforeEach(() => open());
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
    expect(urls.filter((url) => /eyJ|token=/.test(url))).toEqual([]);
  });

  async function open(options: BrowserContextOptions = {}): Promise<void> {
    await context?.close();
    context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      reducedMotion: 'reduce',
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    ({ complaints, urls } = watchPages(context));
    page = await context.newPage();
    await page.goto(`${service.origin}/report`);
  }

  /** A user whose refresh token was stolen, which was detected; the phone is signed in, the laptop no longer. */
  async function victim(name = 'ada'): Promise<Session> {
    const api = service.api(HOME);
    const owner = await newSession(api, { email: uniqueEmail(name), deviceName: 'Laptop' });
    const phone = await anotherSession(api, owner.email, { deviceName: 'Phone', appId: 'mobile' });
    const thief = await refreshed(service.api(AWAY), owner);
    await refreshed(service.api(AWAY), thief);
    expectError(await api.refresh(owner.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    // A failed login, so that the report knows the address.
    await service.api(AWAY).login({ email: owner.email, password: 'not-it' });
    return phone;
  }

  /** Reloads the report until it has counted the user. */
  async function buttonOf(table: '.cases' | '.ranks', { userId }: Session): Promise<Locator> {
    const button = () =>
      page.frameLocator('iframe').locator(`${table} [data-user="${userId}"] + button`).first();
    await eventually(
      async () => {
        if ((await button().count()) === 0) await show();
        return button().count();
      },
      (count) => count > 0,
    );
    return button();
  }

  async function show(): Promise<void> {
    await page.locator('#show').click();
    await page.locator('#progress').filter({ hasText: 'is shown' }).waitFor({ state: 'attached' });
    await shownReport(page);
  }

  async function lookInto(id: string): Promise<void> {
    await page.getByLabel('E-mail address or user id').fill(id);
    await page.keyboard.press('Enter');
  }

  const panel = () => page.locator('#user');
  const news = (text: string) => page.locator('#user-news').filter({ hasText: text }).waitFor();
  const problem = (text: string) => page.locator('#user-problem').filter({ hasText: text }).waitFor();
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const dialog = () => page.getByRole('dialog');
  /** The titles of the events shown. */
  const shownEvents = () => page.locator('#user-events strong').allInnerTexts();

  async function untilReported(words: string): Promise<void> {
    const lines = await eventually(
      async () => {
        if (!(await shownEvents()).includes(words)) await button('Read again').click();
        return shownEvents();
      },
      (all) => all.includes(words),
    );
    expect(lines).toContain(words);
  }

  it('a theft shown in the report is handled there: ends sessions, disables and enables the user, and logs who did it', async () => {
    const phone = await victim();
    const api = service.api(HOME);
    await signIn(page);
    await (await buttonOf('.cases', phone)).click();
    await page.locator('#user-sessions li').waitFor();
    await expectFocus(page, 'user-name');
    expect(await page.locator('#user-sessions').innerText()).toMatch(
      /Phone\s+192\.0\.2\.10 · Chrome on Linux · mobile\s+last used \d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC, since /,
    );
    expect(await page.locator('#sessions-count').innerText()).toBe('1');
    await untilReported('A stolen token was caught');
    expect(await page.locator('#user-events .alarming', { hasText: 'A stolen token' }).innerText()).toMatch(
      /It.+\s+\d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC\s+192\.0\.2\.10 · Chrome on Linux/,
    );
    expect((await api.me(phone.accessToken)).status).toBe(200);

    await button('End all sessions').click();
    expect(await dialog().innerText()).toMatch(
      /End all sessions of .+\?\s+This user is signed out on every device/,
    );
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    expect((await api.me(phone.accessToken)).status).toBe(200);
    await button('End all sessions').click();
    await dialog().getByRole('button', { name: 'End all sessions' }).click();
    await news('have ended');
    await expectAccessRevoked(api, phone.accessToken);
    await page.locator('#no-sessions').waitFor();
    await untilReported('All sessions were ended');

    await button('Disable the user').click();
    await dialog().getByRole('button', { name: 'Disable the user' }).click();
    await news('Disabled: ');
    expectError(await api.login({ email: phone.email, password: PASSWORD }), 403, 'ACCOUNT_DISABLED');
    await untilReported('The user was disabled');
    expect(await page.locator('#standing').innerText()).toBe('disabled');
    expect(await button('Disable the user').count()).toBe(0);

    await button('Enable the user').click();
    await dialog().getByRole('button', { name: 'Enable the user' }).click();
    await news('Enabled: ');
    expect((await anotherSession(api, phone.email)).userId).toBe(phone.userId);
    await untilReported('The user was enabled');
    const act = page.locator('#user-events .act', { hasText: 'The user was enabled' });
    expect(await act.innerText()).toContain('by you');
    expect(await button('Enable the user').count()).toBe(0);

    const admin = await anotherSession(api, ADMIN.email);
    const log = await api.send('GET', `/auth/admin/events?userId=${phone.userId}&limit=200`, {
      token: admin.accessToken,
    });
    const acts = log.json.items.filter(
      ({ by, type }: { by?: string; type: string }) => by && type !== 'records.viewed',
    );
    expect(acts.map(({ by, type }: { by: string; type: string }) => [type, by])).toEqual(
      ['user.enabled', 'user.disabled', 'user.logged_out'].map((type) => [type, admin.userId]),
    );
  });

  it('works by keyboard, and keeps the focus where it was', async () => {
    const phone = await victim();
    await signIn(page);
    const opener = await buttonOf('.ranks', phone);
    expect(await opener.getAttribute('aria-label')).toBe(`Look up ${phone.email}`);
    expect(await (await buttonOf('.cases', phone)).getAttribute('aria-label')).toBe(`Look up ${phone.email}`);
    await opener.focus();
    await page.keyboard.press('Enter');
    await page.locator('#user-sessions li').waitFor();
    await expectFocus(page, 'user-name');
    expect(await page.locator('#user-name').innerText()).toBe(phone.email);
    expect(await page.locator('#user-known-by').innerText()).toBe(phone.userId);
    for (const id of ['leave', 'end-sessions', 'disable']) {
      await page.keyboard.press('Tab');
      await expectFocus(page, id);
    }
    await page.keyboard.press('Enter');
    await expectFocus(page, 'question-no');
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await expectFocus(page, 'disable');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await expectFocus(page, 'question-yes');
    await page.keyboard.press('Enter');
    await news(`Disabled: ${phone.email}`);
    await expectFocus(page, 'enable');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await expectFocus(page, 'question-yes');
    await page.keyboard.press('Enter');
    await news(`Enabled: ${phone.email}`);
    await page.locator('#leave').focus();
    await page.keyboard.press('Enter');
    await panel().waitFor({ state: 'hidden' });
    expect(await opener.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('IFRAME');
  });

  it('shows older events page by page, and repeated events as one line', async () => {
    const { userId, email } = await newSession(service.api(HOME));
    for (let attempt = 0; attempt < 24; attempt++)
      await anotherSession(service.api(attempt % 2 ? HOME : AWAY), email);
    for (let attempt = 0; attempt < 5; attempt++)
      await service.api(AWAY).login({ email, password: 'not-it' });
    await signIn(page);
    await lookInto(userId.toUpperCase());
    // A later reading overwrites the message of the first, so wait for it.
    await page.locator('#user-sessions li').first().waitFor();
    const guesses = page.locator('#user-events li', { hasText: 'A login failed' });
    await eventually(
      async () => {
        await button('Read again').click();
        await news('Read again');
        return guesses.allInnerTexts();
      },
      (lines) => lines.join().includes('5 times'),
    );
    expect(await guesses.allInnerTexts()).toEqual([
      expect.stringMatching(
        /A login failed\s*5 times\s+wrong password\s+.+ UTC(?:, first .+ UTC)?\s+203\.0\.113\.66/i,
      ),
    ]);
    expect(await shownEvents()).not.toContain('Registered');
    while (await button('Older').isVisible()) {
      const before = await page.locator('#user-events li').count();
      await button('Older').click();
      await page.locator('#user-events li').nth(before).waitFor();
    }
    expect((await shownEvents()).at(-1)).toBe('Registered');
    expect(await page.evaluate(() => document.activeElement?.closest('ol')?.id)).toBe('user-events');
  });

  it('refuses input that cannot be a user before it sends a request', async () => {
    await signIn(page);
    await shownReport(page);
    for (const text of ['', '  ', 'ab', 'ada lovelace', 'x'.repeat(255)]) {
      await lookInto(text);
      await page.locator('#look-problem').filter({ hasText: 'Give an e-mail address' }).waitFor();
      await expectFocus(page, 'user-id');
      expect(await page.locator('#user-id').getAttribute('aria-invalid')).toBe('true');
    }
    expect(urls.filter((url) => /admin\/(users|events)/.test(url))).toEqual([]);
    await lookInto(` ${NOBODY} `);
    await problem('There is no such user.');
    expect(await page.locator('#look-problem').innerText()).toBe('');
    expect(await page.locator('#acts').isVisible()).toBe(false);
    expect(await page.locator('#sessions-part').isVisible()).toBe(false);
    expect(await violations(page)).toEqual([]);
  });

  it('administrators cannot disable themselves; their own sessions are marked, and ending them signs them out', async () => {
    await signIn(page);
    const api = service.api();
    const { userId } = await anotherSession(api, ADMIN.email);
    await lookInto(userId);
    await page.locator('#user-sessions .chip').waitFor();
    expect(await page.locator('#user-name').innerText()).toBe(ADMIN.email);
    expect(await page.locator('#user-sessions .chip').allInnerTexts()).toEqual(['this one here']);
    await button('Disable the user').click();
    await dialog().getByRole('button', { name: 'Disable the user' }).click();
    await problem('You cannot disable yourself');
    expect(await page.locator('#user-sessions li').count()).toBeGreaterThan(1);
    await button('End all sessions').click();
    expect(await dialog().innerText()).toContain('These are your own sessions');
    await dialog().getByRole('button', { name: 'End all sessions' }).click();
    await page.locator('#welcome').waitFor();
    expect(await page.locator('#form-error').innerText()).toBe('Your session has ended. Sign in again.');
    expect(await panel().isVisible()).toBe(false);
  });

  it('a sign-out removes the user and the report, even with a question open', async () => {
    const phone = await victim();
    await signIn(page);
    await (await buttonOf('.ranks', phone)).click();
    await page.locator('#user-sessions li').waitFor();
    await button('Disable the user').click();
    const second = await context.newPage();
    await second.goto(`${service.origin}/report`);
    await second.locator('#logout').click();
    await page.locator('#welcome').waitFor();
    expect(await dialog().count()).toBe(0);
    const left = await page.evaluate(() => document.documentElement.outerHTML);
    for (const text of [phone.email, phone.userId, 'Phone', '192.0.2.10']) expect(left).not.toContain(text);
    expect(await page.locator('#user-id').inputValue()).toBe('');
    expect((await service.api(HOME).me(phone.accessToken)).status).toBe(200);
  });

  it('drops pending answers about one user when another is chosen', async () => {
    const [ada, bob] = [await newSession(service.api(HOME)), await newSession(service.api(AWAY))];
    await signIn(page);
    const [held, given] = [new Set<string>(), new Set<string>()];
    page.on('requestfailed', (request) => given.add(request.url()));
    await page.route(`**/auth/admin/**${ada.userId}**`, (route) => void held.add(route.request().url()));
    await lookInto(ada.userId);
    await eventually(
      async () => held.size,
      (size) => size === 3,
    );
    await lookInto(bob.userId);
    await page.locator('#user-sessions li').waitFor();
    await eventually(
      async () => given.size,
      (size) => size === 3,
    );
    expect([...given].sort()).toEqual([...held].sort());
    expect(await page.locator('#user-sessions').innerText()).toContain('203.0.113.66');
    expect(await page.locator('#user-problem').isVisible()).toBe(false);
    await page.unroute(`**/auth/admin/**${ada.userId}**`);
  });

  describe('explains errors in words, and keeps what is shown', () => {
    const answer = (status: number, headers: Record<string, string> = {}) => {
      return (route: Route) =>
        route.fulfill({ status, headers: { 'content-type': 'application/json', ...headers }, body: '{}' });
    };
    const cases: [string, (route: Route) => Promise<void>, string, boolean][] = [
      [
        'too many requests',
        answer(429, { 'retry-after': '40' }),
        'Too many requests. Try again in 40 seconds.',
        false,
      ],
      ['no database', answer(503), 'The database does not answer. Try again in a moment.', true],
      ['no role any more', answer(403), 'You are not an administrator of this service any more.', false],
      ['the user gone meanwhile', answer(404), 'There is no such user.', false],
      [
        'no connection',
        (route) => route.abort(),
        'The service cannot be reached. Is this device offline?',
        true,
      ],
    ];

    it.each(cases)('%s', async (_, handler, words, isUncertain) => {
      const { userId } = await newSession(service.api(HOME));
      await signIn(page);
      await lookInto(userId);
      await page.locator('#user-sessions li').waitFor();
      await page.route(ANY_USER, handler);
      await button('End all sessions').click();
      await dialog().getByRole('button', { name: 'End all sessions' }).click();
      await problem(words);
      expect((await page.locator('#user-problem').innerText()).includes('may have been done')).toBe(
        isUncertain,
      );
      expect(await page.locator('#user-sessions li').count()).toBe(1);
      expect(await page.locator('#user-news').textContent()).toBe('');
      expect(await violations(page)).toEqual([]);
      await page.unroute(ANY_USER);
      await button('Read again').click();
      await news('Read again');
      expect(await page.locator('#user-problem').isVisible()).toBe(false);
    });

    it('a list that fails to load does not block the other', async () => {
      const { userId } = await newSession(service.api(HOME));
      await signIn(page);
      await page.route(ANY_EVENTS, answer(404));
      await lookInto(userId);
      await problem('This service keeps no audit log.');
      expect(await page.locator('#user-sessions li').count()).toBe(1);
      expect(await page.locator('#events-part').isVisible()).toBe(false);
      await page.unroute(ANY_EVENTS);
      await page.route(ANY_USER, (route) =>
        route.fulfill({ status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>A proxy</h1>' }),
      );
      await button('Read again').click();
      await problem('The answer is not from the service.');
      await page.locator('#user-events li').first().waitFor();
      expect(await page.locator('#user-sessions li').count()).toBe(1);
      await page.unroute(ANY_USER);
    });
  });

  it('is not printed, and neither are the buttons in the report', async () => {
    const phone = await victim();
    await signIn(page);
    const opener = await buttonOf('.cases', phone);
    await opener.click();
    await page.locator('#user-sessions li').waitFor();
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.look').isVisible()).toBe(false);
    expect(await opener.isVisible()).toBe(false);
  });

  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [320, 1680])
      it(`is accessible, and fits ${width} pixels, in ${colorScheme} colours`, async () => {
        const phone = await victim('a.rather.long.name.of.somebody');
        await open({ colorScheme, viewport: { width, height: 900 } });
        await signIn(page);
        await (await buttonOf('.cases', phone)).click();
        await page.locator('#user-sessions li').waitFor();
        const frame = await shownReport(page);
        expect(await violations(page)).toEqual([]);
        expect(await violations(frame)).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
        expect(
          await frame.evaluate<number>(
            'document.documentElement.scrollWidth - document.documentElement.clientWidth',
          ),
        ).toBe(0);
        await button('Disable the user').click();
        expect(await violations(page)).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      });
});
