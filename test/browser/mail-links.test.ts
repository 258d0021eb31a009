import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { DatabaseProxy } from '../support/database-proxy.js';
import { expectError, newSession, PASSWORD, type Session, uniqueEmail } from '../support/http.js';
import { type Environment, Service } from '../support/service.js';
import { type CaughtMail, MailCatcher, until } from '../support/smtp-server.js';
import { violations } from './support/axe.js';
import { describeInBrowser, launchChromium } from './support/chromium.js';
import { underPath } from './support/under-a-path.js';
import { watchPages } from './support/watch-pages.js';

const PATIENCE_MS = 60_000;
const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
const GARBAGE = 'x'.repeat(43);

describeInBrowser('the pages that links out of mail lead to', () => {
  let mail: MailCatcher;
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  let urls: string[];

  beforeAll(async () => {
    mail = await MailCatcher.start();
    [service, browser] = await Promise.all([Service.start(sending()), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.dispose();
    await mail?.close();
  });
  beforeEach(() => open());
  afterEach(async () => {
    await context.close();
    expect(complaints).toEqual([]);
    // But for the link itself, as it was opened: what is behind the `#` is not sent.
    expect(urls.filter((url) => /eyJ|token=|email=/.test(url.replace(/#.*/, '')))).toEqual([]);
  });

  /** Mail is sent, and its links lead to the service itself: nobody says where else. */
  function sending(over: Environment = {}): Environment {
    return {
      SMTP_URL: mail.url,
      MAIL_FROM: 'no-reply@example.com',
      ISSUER: undefined,
      LOG_LEVEL: 'verbose',
      ...over,
    };
  }

  async function open(options: BrowserContextOptions = {}): Promise<void> {
    await context?.close();
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    ({ complaints, urls } = watchPages(context));
    page = await context.newPage();
  }

  const homeOf = ({ port }: Service): string => `http://localhost:${port}`;

  /** The link of the newest letter of a kind. */
  async function linkTo(email: string, subject: string, sent = 1): Promise<string> {
    const letters = () => mail.sentTo(email).filter((letter: CaughtMail) => letter.subject === subject);
    await until(() => letters().length >= sent, `${sent} letters “${subject}”`);
    return /http\S+#token=\S+/.exec(letters().at(-1)?.text ?? '')?.[0] ?? 'no link';
  }

  /** A user who has forgotten his password, and the link that he was sent. */
  async function forgetful(): Promise<{ session: Session; link: string }> {
    const session = await newSession(service.api());
    await service.api().post('/auth/forgot-password', { email: session.email });
    return { session, link: await linkTo(session.email, 'Set a new password') };
  }

  const see = (id: string) => page.locator(`#${id}`).waitFor();
  const title = (id: string) => page.locator(`#${id} h1`).innerText();
  const focused = () => page.evaluate<string>('document.activeElement.id');

  async function problem(form: string, words: string | RegExp): Promise<void> {
    await page.locator(`#${form} .error`).filter({ hasText: words }).waitFor();
  }

  async function setPassword(password = NEW_PASSWORD): Promise<void> {
    await page.locator('#new-password').fill(password);
    await page.keyboard.press('Enter');
  }

  async function logIn(email: string, password: string): Promise<void> {
    await page.locator('#email').fill(email);
    await page.locator('#password').fill(password);
    await page.locator('button[value=login]').click();
  }

  describe('a forgotten password', () => {
    it('leads from the demo by the mail to a new one, with which one logs in; the old sessions have ended', async () => {
      const old = await newSession(service.api());
      await page.goto(homeOf(service));
      await logIn(old.email, 'I forgot');
      await page.locator('#form-error').filter({ hasText: 'wrong' }).waitFor();
      await page.locator('#forgot').click();
      await see('ask');
      expect(await page.locator('#email').inputValue()).toBe(old.email);
      expect(page.url()).toBe(`${homeOf(service)}/reset-password`);
      await page.locator('#email').press('Enter');
      await see('sent');
      expect(await page.locator('#sent').innerText()).toContain(old.email);
      expect(await page.locator('.of-terminal').isVisible()).toBe(false);

      page = await context.newPage();
      await page.goto(await linkTo(old.email, 'Set a new password'));
      await see('choose');
      await setPassword();
      await see('done');
      expect(await title('done')).toBe('Your new password is set');
      expectError(await service.api().refresh(old.refreshToken), 401, 'SESSION_REVOKED');
      await page.locator('#done .button').click();
      await logIn(old.email, PASSWORD);
      await page.locator('#form-error').filter({ hasText: 'wrong' }).waitFor();
      await logIn(old.email, NEW_PASSWORD);
      await see('token');
    });

    it('by the keyboard alone, from the link to the sign-in', async () => {
      const { link } = await forgetful();
      await page.goto(link);
      await see('choose');
      const labels: string[] = [];
      for (let stop = 0; stop < 3; stop++) {
        await page.keyboard.press('Tab');
        labels.push(await page.evaluate('document.activeElement.id || document.activeElement.textContent'));
      }
      expect(labels).toEqual(['new-password', 'show-password', 'Set the password']);
      await page.keyboard.press('Enter');
      await problem('choose', 'Give a new password.');
      expect(await focused()).toBe('new-password');
      await page.keyboard.type(NEW_PASSWORD);
      await page.keyboard.press('Tab');
      await page.keyboard.press('Space');
      expect(await page.locator('#new-password').getAttribute('type')).toBe('text');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await see('done');
      expect(await focused()).toBe('done-title');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await see('throwaway');
    });

    it('the token is nowhere but in the page’s own memory, and in the one request that it is for', async () => {
      const { session, link } = await forgetful();
      const token = link.split('token=')[1] ?? '';
      const referers: (string | undefined)[] = [];
      context.on('request', (request) => referers.push(request.headers()['referer']));
      await page.goto(`${homeOf(service)}/verify-email`);
      await page.goto(link);
      await see('choose');
      const inHistory = () => page.evaluate('JSON.stringify(navigation.entries().map(({ url }) => url))');
      expect(page.url()).toBe(`${homeOf(service)}/reset-password`);
      expect(await inHistory()).not.toContain('#');
      const readable = await page.evaluate(`(async () => JSON.stringify([
        Object.entries(localStorage), Object.entries(sessionStorage), document.cookie, document.URL, document.referrer,
        history.state, window.name, (await indexedDB.databases()).length, (await caches.keys()).length,
        document.documentElement.outerHTML,
      ]))()`);
      expect(readable).not.toContain(token);
      const [request] = await Promise.all([
        page.waitForRequest((each) => each.method() === 'POST'),
        setPassword(),
      ]);
      expect(request.postDataJSON()).toEqual({ token, newPassword: NEW_PASSWORD });
      await see('done');
      // Both are of one origin, where a browser would send one, were it not told to send none.
      await page.locator('#done .button').click();
      await see('throwaway');
      expect(referers.filter(Boolean)).toEqual([]);
      await page.goBack();
      await see('ask');
      expect(page.url()).toBe(`${homeOf(service)}/reset-password`);
      expect(await page.evaluate('document.documentElement.outerHTML')).not.toContain(NEW_PASSWORD);
      await mail.arrived(session.email, 2);
      expect(service.output).not.toContain(token);
      expect(service.output).not.toContain(NEW_PASSWORD);
    });

    it('a reload forgets the link, which is still good, and says so', async () => {
      const { link } = await forgetful();
      await page.goto(link);
      await see('choose');
      await page.reload();
      await see('ask');
      expect(await page.locator('#ask-text').innerText()).toContain('open it again');
      // In the same tab, where nothing is loaded for it.
      await page.goto(link);
      await see('choose');
      expect(page.url()).not.toContain('#');
      await setPassword();
      await see('done');
    });

    it('a link works once; what is left is a form for another one, and that one works', async () => {
      const { session, link } = await forgetful();
      await page.goto(link);
      await setPassword();
      await see('done');
      await page.goto('about:blank');
      await page.goto(link);
      await setPassword(`${NEW_PASSWORD}!`);
      await see('ask');
      expect(await title('ask')).toBe('This link does not work any more');
      expect(await focused()).toBe('ask-title');
      expect(await page.title()).toBe('This link does not work any more – Silent Auth');
      await page.locator('#email').fill(session.email);
      await page.keyboard.press('Enter');
      await see('sent');
      await page.goto(await linkTo(session.email, 'Set a new password', 2));
      await setPassword(`${NEW_PASSWORD}!`);
      await see('done');
      expect((await service.api().login({ email: session.email, password: `${NEW_PASSWORD}!` })).status).toBe(
        200,
      );
    });

    it.each([
      ['of nobody', GARBAGE],
      ['that is none', '../../etc/passwd'],
      ['that is too long', 'x'.repeat(2000)],
      ['with markup', '"><img src=x onerror=alert(1)>'],
    ])('a token %s is told as a link that does not work', async (_, token) => {
      await page.goto(`${homeOf(service)}/reset-password#${new URLSearchParams({ token }).toString()}`);
      await setPassword();
      await see('ask');
      expect(await title('ask')).toBe('This link does not work any more');
    });

    it('an old link is told as one that does not work', async () => {
      const { session, link } = await forgetful();
      const client = await MongoClient.connect(service.settings['MONGODB_URI'] ?? '');
      try {
        const tokens = client.db().collection('action_tokens');
        const past = { $set: { expiresAt: new Date(Date.now() - 1000) } };
        expect((await tokens.updateMany({}, past)).modifiedCount).toBeGreaterThan(0);
      } finally {
        await client.close();
      }
      await page.goto(link);
      await setPassword();
      await see('ask');
      expect(await title('ask')).toBe('This link does not work any more');
      expect((await service.api().login({ email: session.email, password: PASSWORD })).status).toBe(200);
    });

    it('a weak password is refused with the reason, and a good one then taken by the same link', async () => {
      const { session, link } = await forgetful();
      await page.goto(link);
      const input = page.locator('#new-password');
      for (const [password, reason] of [
        ['short', 'The password needs at least 8 characters.'],
        ['password1', 'The password is one of the first that attackers try.'],
        [session.email, 'The password must not be your e-mail address or name.'],
        ['long'.repeat(100), 'The password must be at most 128 characters.'],
      ] as const) {
        await setPassword(password);
        await problem('choose', reason);
        expect(await focused()).toBe('new-password');
        expect(await input.getAttribute('aria-invalid')).toBe('true');
      }
      const described = (await input.getAttribute('aria-describedby'))?.split(' ') ?? [];
      for (const id of described) expect(await page.locator(`#${id}`).innerText()).toMatch(/\S/);
      await setPassword();
      await see('done');
      expect(await input.inputValue()).toBe('');
    });

    it('says the same whether there is such an account or not, and nothing of whoever types no address', async () => {
      const { email } = await newSession(service.api());
      const said: string[] = [];
      for (const address of [email, uniqueEmail()]) {
        await page.goto(`${homeOf(service)}/reset-password`);
        await page.locator('#ask-form button').click();
        await problem('ask', 'Give the e-mail address of your account.');
        await page.locator('#email').fill('nobody');
        await page.keyboard.press('Enter');
        expect(await page.locator('#email').getAttribute('aria-invalid')).toBe('true');
        await page.locator('#email').fill(address);
        await page.keyboard.press('Enter');
        await see('sent');
        said.push((await page.locator('main').innerText()).replace(address, 'ADDRESS'));
      }
      expect(said[0]).toBe(said[1]);
      await page.locator('#again').click();
      await see('ask');
      expect(await focused()).toBe('ask-title');
    });

    it('from the report’s sign-in, too', async () => {
      await page.goto(`${homeOf(service)}/report`);
      await page.locator('#email').fill('ada@example.com');
      await page.locator('#forgot').click();
      await see('ask');
      expect(await page.locator('#email').inputValue()).toBe('ada@example.com');
    });

    it('without JavaScript is told to turn it on', async () => {
      await open({ javaScriptEnabled: false });
      await page.goto(`${homeOf(service)}/reset-password#token=${GARBAGE}`);
      expect(await page.locator('noscript').innerText()).toContain('only JavaScript can read');
      expect(await page.locator('main > section:visible').count()).toBe(0);
    });

    it('under the path of a proxy, as at the root', async () => {
      const proxy = await underPath('/identity', service.origin);
      try {
        const { link } = await forgetful();
        await page.goto(link.replace(homeOf(service), proxy.url));
        await setPassword('password1');
        await problem('choose', 'attackers');
        await setPassword();
        await see('done');
        expect(new URL(page.url()).pathname).toBe('/identity/reset-password');
      } finally {
        await proxy.close();
      }
    });
  });

  describe('what goes wrong on the way is told, and can be tried again', () => {
    it('offline', async () => {
      const { link } = await forgetful();
      await page.goto(link);
      await see('choose');
      await context.setOffline(true);
      await setPassword();
      await problem('choose', 'The service cannot be reached. Is this device offline? Try again.');
      expect(await page.locator('#new-password').inputValue()).toBe(NEW_PASSWORD);
      await context.setOffline(false);
      await page.locator('#choose-form button').click();
      await see('done');
    });

    it('an answer that is lost: the next attempt says that it may be done', async () => {
      const { session, link } = await forgetful();
      await page.goto(link);
      await page.route('**/auth/reset-password', async (route) => {
        await route.fetch();
        await route.abort();
      });
      await setPassword();
      await problem('choose', 'cannot be reached');
      await page.unroute('**/auth/reset-password');
      await page.locator('#choose-form button').click();
      await see('ask');
      expect(await title('ask')).toBe('The password may be set already');
      expect((await service.api().login({ email: session.email, password: NEW_PASSWORD })).status).toBe(200);
      // What was said of that link is not said of another one.
      await page.goto(`${homeOf(service)}/reset-password#token=${GARBAGE}`);
      await setPassword();
      await see('ask');
      expect(await title('ask')).toBe('This link does not work any more');
    });

    it('a page of something between', async () => {
      const { link } = await forgetful();
      await page.goto(link);
      const page502 = { status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' };
      await page.route('**/auth/reset-password', (route) => route.fulfill(page502));
      await setPassword();
      await problem(
        'choose',
        'Something between this page and the service answered 502. Try again in a moment.',
      );
      await page.unroute('**/auth/reset-password');
      await page.locator('#choose-form button').click();
      await see('done');
    });

    it('pressed twice, sends once', async () => {
      const { link } = await forgetful();
      await page.goto(link);
      await page.locator('#new-password').fill(NEW_PASSWORD);
      const button = "document.querySelector('#choose-form button')";
      await page.evaluate(`${button}.click(), ${button}.click()`);
      await see('done');
      expect(urls.filter((url) => url.endsWith('/auth/reset-password'))).toHaveLength(1);
    });

    it('too many attempts: when to try again', async () => {
      const strict = await Service.start(sending({ THROTTLE: 'on' }));
      try {
        await page.goto(`${homeOf(strict)}/reset-password#token=${GARBAGE}`);
        for (let attempt = 0; attempt < 25; attempt++)
          await strict.api().post('/auth/reset-password', { token: GARBAGE, newPassword: NEW_PASSWORD });
        await setPassword();
        await problem('choose', /^That was tried too often\. Try again in \d+ seconds\.$/);
        expect(await page.locator('#choose').isVisible()).toBe(true);
      } finally {
        await strict.dispose();
      }
    });

    it('no database: try again, and when it is back the link is as good as before', async () => {
      const database = await DatabaseProxy.open('browser');
      const fragile = await Service.start(sending({ MONGODB_URI: database.uri }));
      try {
        const { email } = await newSession(fragile.api());
        await fragile.api().post('/auth/forgot-password', { email });
        await page.goto(await linkTo(email, 'Set a new password'));
        await see('choose');
        database.cut();
        await setPassword();
        await problem('choose', /^The service cannot do this just now\. Try again in /);
        database.restore();
        const answered = () =>
          page.locator('#choose-form:not([aria-busy=true])').waitFor({ state: 'attached' });
        for (await answered(); !(await page.locator('#done').isVisible()); await answered())
          await page.locator('#choose-form button').click();
        expect((await fragile.api().login({ email, password: NEW_PASSWORD })).status).toBe(200);
      } finally {
        await fragile.dispose();
        await database.close();
      }
    });
  });

  describe('where there is no mail server', () => {
    it('a developer is led to his terminal, and from there to a new password', async () => {
      const local = await Service.start({ ISSUER: undefined });
      try {
        const { email } = await newSession(local.api());
        await page.goto(homeOf(local));
        await page.locator('#email').fill(email);
        await page.locator('#forgot').click();
        await page.locator('#ask-form button').click();
        await see('sent');
        expect(await page.locator('#sent').innerText()).toContain('the message is on the terminal');
        const link = /http\S+\/reset-password#token=\S+/;
        await until(() => link.test(local.output), 'the letter');
        await page.goto(link.exec(local.output)?.[0] ?? '');
        await setPassword();
        await see('done');
        expect((await local.api().login({ email, password: NEW_PASSWORD })).status).toBe(200);
      } finally {
        await local.dispose();
      }
    });

    it('and none sends any: the page says so at once, and also where it had known better', async () => {
      const mute = await Service.start({ NODE_ENV: 'test' });
      try {
        await page.goto(mute.origin);
        await page.locator('#forgot').click();
        await see('ask');
        expect(await page.locator('#ask').innerText()).toContain('This service sends no mail');
        expect(await page.locator('#ask-form').isVisible()).toBe(false);
        for (const token of ['', GARBAGE]) {
          await page.goto('about:blank');
          await page.goto(`${mute.origin}/reset-password#token=${token}`);
          // As a page that was opened before the service was started again without a mail server.
          await page.evaluate("document.body.dataset.mail = 'sent'");
          if (token === '') await page.locator('#email').fill('ada@example.com');
          else await page.locator('#new-password').fill(NEW_PASSWORD);
          await page.keyboard.press('Enter');
          await page.locator('.of-none').waitFor();
          expect(await page.locator('#ask-form').isVisible()).toBe(false);
        }
        await page.goto(`${mute.origin}/verify-email#token=${GARBAGE}`);
        await page.locator('#verify-form button').click();
        await problem('verify', 'This service sends no mail, and takes no links out of it.');
      } finally {
        await mute.dispose();
      }
    });
  });

  describe('an address that has to be verified', () => {
    let strict: Service;
    beforeAll(async () => {
      strict = await Service.start(sending({ EMAIL_VERIFICATION: 'required' }));
    });
    afterAll(() => strict?.dispose());

    const VERIFY = 'Verify your e-mail address';
    async function registered(): Promise<{ email: string; link: string }> {
      const email = uniqueEmail();
      await strict.api().register({ email, password: PASSWORD });
      return { email, link: await linkTo(email, VERIFY) };
    }

    it('leads from the demo by the mail to an account in which one logs in', async () => {
      const email = uniqueEmail('ada');
      await page.goto(homeOf(strict));
      await page.locator('#email').fill(email);
      await page.locator('#password').fill(PASSWORD);
      await page.locator('button[value=register]').click();
      await page.locator('#form-note').filter({ hasText: 'Open its link, then log in.' }).waitFor();
      await logIn(email, PASSWORD);
      await page.locator('#form-error').filter({ hasText: 'not verified yet' }).waitFor();
      expect(await page.locator('#form-note').innerText()).toBe('');

      await page.goto(await linkTo(email, VERIFY));
      await see('verify');
      expect(page.url()).toBe(`${homeOf(strict)}/verify-email`);
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await see('done');
      expect(await title('done')).toBe('Your address is verified');
      expect(await focused()).toBe('done-title');
      await page.locator('#done .button').click();
      await logIn(email, PASSWORD);
      await see('token');
    });

    it('is not verified by opening the link, as programs do that look at mail; nor is the link used up', async () => {
      const { email, link } = await registered();
      await page.goto(link);
      await see('verify');
      await page.waitForLoadState('networkidle');
      expect(urls.filter((url) => url.includes('/auth/'))).toEqual([]);
      expectError(await strict.api().login({ email, password: PASSWORD }), 403, 'EMAIL_NOT_VERIFIED');
      await page.goto('about:blank');
      await page.goto(link);
      await page.locator('#verify-form button').click();
      await see('done');
      expect((await strict.api().login({ email, password: PASSWORD })).status).toBe(200);
    });

    it('a link works once, and one of nobody never; both say what to do', async () => {
      const { link } = await registered();
      await page.goto(link);
      await page.locator('#verify-form button').click();
      await see('done');
      for (const dead of [link, `${homeOf(strict)}/verify-email#token=${'x'.repeat(2000)}`]) {
        // In the same tab, where nothing is loaded for it.
        await page.goto(dead);
        await see('verify');
        expect(page.url()).not.toContain('#');
        await page.locator('#verify-form button').click();
        await see('none');
        expect(await title('none')).toBe('This link does not work any more');
        expect(await focused()).toBe('none-title');
      }
    });

    it('without a link says what to do; offline too, and then goes on', async () => {
      const { link } = await registered();
      await page.goto(`${homeOf(strict)}/verify-email`);
      await see('none');
      expect(await title('none')).toBe('There is no link here');
      await page.goto(link);
      await see('verify');
      await context.setOffline(true);
      await page.locator('#verify-form button').click();
      await problem('verify', 'The service cannot be reached. Is this device offline? Try again.');
      await context.setOffline(false);
      await page.locator('#verify-form button').click();
      await see('done');
    });
  });

  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [320, 1280])
      it(`are accessible, and fit ${width} pixels, in ${colorScheme} colours, whatever they say`, async () => {
        await open({ colorScheme, viewport: { width, height: 800 } });
        const look = async (id: string) => {
          await see(id);
          expect({ id, found: await violations(page) }).toEqual({ id, found: [] });
          expect({ id, width: await page.evaluate('document.documentElement.scrollWidth') }).toEqual({
            id,
            width,
          });
        };
        const { session, link } = await forgetful();
        await page.goto(homeOf(service));
        await look('forgot');
        await page.goto(`${homeOf(service)}/reset-password`);
        await look('ask');
        await page.locator('#ask-form button').click();
        await problem('ask', 'Give');
        await look('ask');
        await page.locator('#email').fill(session.email);
        await page.keyboard.press('Enter');
        await look('sent');
        await page.goto(link);
        await look('choose');
        await setPassword('password1');
        await problem('choose', 'attackers');
        await look('choose');
        await setPassword();
        await look('done');
        await page.goto(link);
        await setPassword();
        await look('ask');
        await page.goto(`${homeOf(service)}/verify-email`);
        await look('none');
        await page.goto(`${homeOf(service)}/verify-email#token=${GARBAGE}`);
        await look('verify');
        await page.locator('#verify-form button').click();
        await look('none');
      });
});
