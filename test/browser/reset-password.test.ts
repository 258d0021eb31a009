import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { expectError, newSession, PASSWORD, uniqueEmail } from '../support/http.js';
import { Service } from '../support/service.js';
import { until } from '../support/smtp-server.js';
import { describeInBrowser } from './support/chromium.js';
import { GARBAGE, homeOf, MailWorld, NEW_PASSWORD, RESET } from './support/mail-world.js';
import { underPath } from './support/under-a-path.js';

describeInBrowser('the page for a new password', () => {
  let world: MailWorld;
  beforeAll(async () => {
    world = await MailWorld.open();
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  it('from the demo, a mailed link sets a new password that logs in; the old sessions end', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const old = await newSession(world.service.api());
    await page.goto(world.home);
    await tab.logIn(old.email, 'I forgot');
    await page.locator('#form-error').filter({ hasText: 'wrong' }).waitFor();
    await page.locator('#forgot').click();
    await tab.see('ask');
    expect(await page.locator('#email').inputValue()).toBe(old.email);
    expect(page.url()).toBe(`${world.home}/reset-password`);
    await page.locator('#email').press('Enter');
    await tab.see('sent');
    expect(await page.locator('#sent').innerText()).toContain(old.email);
    expect(await page.locator('.of-terminal').isVisible()).toBe(false);

    const opened = await world.tab();
    await opened.page.goto(await world.linkTo(old.email, RESET));
    await opened.see('choose');
    await opened.setPassword(NEW_PASSWORD);
    await opened.see('done');
    expect(await opened.title('done')).toBe('Your new password is set');
    expectError(await world.service.api().refresh(old.refreshToken), 401, 'SESSION_REVOKED');
    await opened.page.locator('#done .button').click();
    await opened.logIn(old.email, PASSWORD);
    await opened.page.locator('#form-error').filter({ hasText: 'wrong' }).waitFor();
    await opened.logIn(old.email, NEW_PASSWORD);
    await opened.see('token');
  });

  it('works by keyboard only, from the link to the sign-in', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { link } = await world.forgetful();
    await page.goto(link);
    await tab.see('choose');
    const labels: string[] = [];
    await tab.pastHeader();
    for (let stop = 0; stop < 3; stop++) {
      await page.keyboard.press('Tab');
      labels.push(await page.evaluate('document.activeElement.id || document.activeElement.textContent'));
    }
    expect(labels).toEqual(['new-password', 'show-password', 'Set the password']);
    await page.keyboard.press('Enter');
    await tab.problem('choose', 'Give a new password.');
    await tab.expectFocus('new-password');
    await page.keyboard.type(NEW_PASSWORD);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.locator('#new-password[type=text]').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await tab.see('done');
    await tab.expectFocus('done-title');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await tab.see('throwaway');
  });

  it('the token is only in the page’s memory and in the one request that needs it', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { session, link } = await world.forgetful();
    const token = link.split('token=')[1] ?? '';
    const referers: (string | undefined)[] = [];
    world.context.on('request', (request) => referers.push(request.headers()['referer']));
    await page.goto(`${world.home}/verify-email`);
    await page.goto(link);
    await tab.see('choose');
    const inHistory = () => page.evaluate('JSON.stringify(navigation.entries().map(({ url }) => url))');
    expect(page.url()).toBe(`${world.home}/reset-password`);
    expect(await inHistory()).not.toContain('#');
    const readable = await page.evaluate(`(async () => JSON.stringify([
      Object.entries(localStorage), Object.entries(sessionStorage), document.cookie, document.URL, document.referrer,
      history.state, window.name, (await indexedDB.databases()).length, (await caches.keys()).length,
      document.documentElement.outerHTML,
    ]))()`);
    expect(readable).not.toContain(token);
    const [request] = await Promise.all([
      page.waitForRequest((each) => each.method() === 'POST'),
      tab.setPassword(NEW_PASSWORD),
    ]);
    expect(request.postDataJSON()).toEqual({ token, newPassword: NEW_PASSWORD });
    await tab.see('done');
    // Same origin, so a browser would send a referrer by default.
    await page.locator('#done .button').click();
    await tab.see('throwaway');
    expect(referers.filter(Boolean)).toEqual([]);
    await page.goBack();
    await tab.see('ask');
    expect(page.url()).toBe(`${world.home}/reset-password`);
    expect(await page.evaluate('document.documentElement.outerHTML')).not.toContain(NEW_PASSWORD);
    await world.mail.arrived(session.email, 2);
    expect(world.service.output).not.toContain(token);
    expect(world.service.output).not.toContain(NEW_PASSWORD);
  });

  it('a reload forgets the link, which remains valid, and says so', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { link } = await world.forgetful();
    await page.goto(link);
    await tab.see('choose');
    await page.reload();
    await tab.see('ask');
    expect(await page.locator('#ask-text').innerText()).toContain('open it again');
    // In the same tab only the fragment changes, so nothing is loaded.
    await page.goto(link);
    await tab.see('choose');
    expect(page.url()).not.toContain('#');
    await tab.setPassword(NEW_PASSWORD);
    await tab.see('done');
  });

  it('a link works once; after that the page offers to send another, which works', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { session, link } = await world.forgetful();
    await page.goto(link);
    await tab.setPassword(NEW_PASSWORD);
    await tab.see('done');
    await page.goto('about:blank');
    await page.goto(link);
    await tab.setPassword(`${NEW_PASSWORD}!`);
    await tab.see('ask');
    expect(await tab.title('ask')).toBe('This link does not work any more');
    await tab.expectFocus('ask-title');
    expect(await page.title()).toBe('This link does not work any more – Silent Auth');
    await page.locator('#email').fill(session.email);
    await page.keyboard.press('Enter');
    await tab.see('sent');
    await page.goto(await world.linkTo(session.email, RESET, 2));
    await tab.setPassword(`${NEW_PASSWORD}!`);
    await tab.see('done');
    expect(
      (await world.service.api().login({ email: session.email, password: `${NEW_PASSWORD}!` })).status,
    ).toBe(200);
  });

  it.each([
    ['of nobody', GARBAGE],
    ['that is not a token', '../../etc/passwd'],
    ['that is too long', 'x'.repeat(2000)],
    ['with markup', '"><img src=x onerror=alert(1)>'],
  ])('a token %s is shown as a link that does not work', async (_, token) => {
    const tab = await world.tab();
    const { page } = tab;
    await page.goto(`${world.home}/reset-password#${new URLSearchParams({ token }).toString()}`);
    await tab.setPassword(NEW_PASSWORD);
    await tab.see('ask');
    expect(await tab.title('ask')).toBe('This link does not work any more');
  });

  it('an expired link is shown as one that does not work', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { session, link } = await world.forgetful();
    const client = await MongoClient.connect(world.service.settings['MONGODB_URI'] ?? '');
    try {
      const tokens = client.db().collection('action_tokens');
      const past = { $set: { expiresAt: new Date(Date.now() - 1000) } };
      expect((await tokens.updateMany({}, past)).modifiedCount).toBeGreaterThan(0);
    } finally {
      await client.close();
    }
    await page.goto(link);
    await tab.setPassword(NEW_PASSWORD);
    await tab.see('ask');
    expect(await tab.title('ask')).toBe('This link does not work any more');
    expect((await world.service.api().login({ email: session.email, password: PASSWORD })).status).toBe(200);
  });

  it('a weak password is refused with the reason, and the same link then accepts a good one', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { session, link } = await world.forgetful();
    await page.goto(link);
    const input = page.locator('#new-password');
    for (const [password, reason] of [
      ['short', 'The password needs at least 8 characters.'],
      ['password1', 'The password is one of the first that attackers try.'],
      [session.email, 'The password must not be your e-mail address or name.'],
      ['long'.repeat(100), 'The password must be at most 128 characters.'],
    ] as const) {
      await tab.setPassword(password);
      await tab.problem('choose', reason);
      await tab.expectFocus('new-password');
      expect(await input.getAttribute('aria-invalid')).toBe('true');
    }
    const described = (await input.getAttribute('aria-describedby'))?.split(' ') ?? [];
    for (const id of described) expect(await page.locator(`#${id}`).innerText()).toMatch(/\S/);
    await tab.setPassword(NEW_PASSWORD);
    await tab.see('done');
    expect(await input.inputValue()).toBe('');
  });

  it('shows the same whether or not the account exists, and requires an address', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { email } = await newSession(world.service.api());
    const said: string[] = [];
    for (const address of [email, uniqueEmail()]) {
      await page.goto(`${world.home}/reset-password`);
      await page.locator('#ask-form button').click();
      await tab.problem('ask', 'Give the e-mail address of your account.');
      await page.locator('#email').fill('nobody');
      await page.keyboard.press('Enter');
      expect(await page.locator('#email').getAttribute('aria-invalid')).toBe('true');
      await page.locator('#email').fill(address);
      await page.keyboard.press('Enter');
      await tab.see('sent');
      said.push((await page.locator('main').innerText()).replace(address, 'ADDRESS'));
    }
    expect(said[0]).toBe(said[1]);
    await page.locator('#again').click();
    await tab.see('ask');
    await tab.expectFocus('ask-title');
  });

  it('is reached from the report’s sign-in, too', async () => {
    const tab = await world.tab();
    const { page } = tab;
    await page.goto(`${world.home}/report`);
    await page.locator('#email').fill('ada@example.com');
    await page.locator('#forgot').click();
    await tab.see('ask');
    expect(await page.locator('#email').inputValue()).toBe('ada@example.com');
  });

  it('without JavaScript asks the reader to turn it on', async () => {
    const { page } = await world.tab({ javaScriptEnabled: false });
    await page.goto(`${world.home}/reset-password#token=${GARBAGE}`);
    expect(await page.locator('noscript').innerText()).toContain('needs JavaScript to read the link');
    expect(await page.locator('main > section:visible').count()).toBe(0);
  });

  it('works under the path of a proxy', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const proxy = await underPath('/identity', world.service.origin);
    try {
      const { link } = await world.forgetful();
      await page.goto(link.replace(world.home, proxy.url));
      await tab.setPassword('password1');
      await tab.problem('choose', 'attackers');
      await tab.setPassword(NEW_PASSWORD);
      await tab.see('done');
      expect(new URL(page.url()).pathname).toBe('/identity/reset-password');
    } finally {
      await proxy.close();
    }
  });

  describe('where there is no mail server', () => {
    it('a developer is sent to the terminal, and from its link to a new password', async () => {
      const tab = await world.tab();
      const { page } = tab;
      const local = await Service.start({ ISSUER: undefined });
      try {
        const { email } = await newSession(local.api());
        await page.goto(homeOf(local));
        await page.locator('#email').fill(email);
        await page.locator('#forgot').click();
        await page.locator('#ask-form button').click();
        await tab.see('sent');
        expect(await page.locator('#sent').innerText()).toContain('the message is on the terminal');
        const link = /http\S+\/reset-password#token=\S+/;
        await until(() => link.test(local.output), 'the letter');
        await page.goto(link.exec(local.output)?.[0] ?? '');
        await tab.setPassword(NEW_PASSWORD);
        await tab.see('done');
        expect((await local.api().login({ email, password: NEW_PASSWORD })).status).toBe(200);
      } finally {
        await local.dispose();
      }
    });

    it('with mail off, the page says so at once, and after a form is sent from a page loaded before', async () => {
      const tab = await world.tab();
      const { page } = tab;
      const mute = await Service.start({ NODE_ENV: 'test' });
      try {
        await page.goto(mute.origin);
        await page.locator('#forgot').click();
        await tab.see('ask');
        expect(await page.locator('#ask').innerText()).toContain('This service sends no mail');
        expect(await page.locator('#ask-form').isVisible()).toBe(false);
        for (const token of ['', GARBAGE]) {
          await page.goto('about:blank');
          await page.goto(`${mute.origin}/reset-password#token=${token}`);
          // As if the page had been opened before the service was restarted without a mail server.
          await page.evaluate("document.body.dataset.mail = 'sent'");
          if (token === '') await page.locator('#email').fill('ada@example.com');
          else await page.locator('#new-password').fill(NEW_PASSWORD);
          await page.keyboard.press('Enter');
          await page.locator('.of-none').waitFor();
          expect(await page.locator('#ask-form').isVisible()).toBe(false);
        }
        await page.goto(`${mute.origin}/verify-email#token=${GARBAGE}`);
        await tab.verify();
        await tab.problem('verify', 'This service sends no mail, so it takes no links either.');
      } finally {
        await mute.dispose();
      }
    });
  });
});
