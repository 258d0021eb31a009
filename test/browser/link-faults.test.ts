import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { DatabaseProxy } from '../support/database-proxy.js';
import { newSession } from '../support/http.js';
import { describeInBrowser } from './support/chromium.js';
import { GARBAGE, homeOf, MailWorld, NEW_PASSWORD, RESET } from './support/mail-world.js';

describeInBrowser('failures while setting a new password are reported, and can be retried', () => {
  let world: MailWorld;
  beforeAll(async () => {
    world = await MailWorld.open();
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  it('the device is offline', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { link } = await world.forgetful();
    await page.goto(link);
    await tab.see('choose');
    await world.context.setOffline(true);
    await tab.setPassword(NEW_PASSWORD);
    await tab.problem('choose', 'The service cannot be reached. Is this device offline? Try again.');
    expect(await page.locator('#new-password').inputValue()).toBe(NEW_PASSWORD);
    await world.context.setOffline(false);
    await page.locator('#choose-form button').click();
    await tab.see('done');
  });

  it('a lost answer: the next attempt says that the password may be set already', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { session, link } = await world.forgetful();
    await page.goto(link);
    await page.route('**/auth/reset-password', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await tab.setPassword(NEW_PASSWORD);
    await tab.problem('choose', 'cannot be reached');
    await page.unroute('**/auth/reset-password');
    await page.locator('#choose-form button').click();
    await tab.see('ask');
    expect(await tab.title('ask')).toBe('The password may be set already');
    expect((await world.service.api().login({ email: session.email, password: NEW_PASSWORD })).status).toBe(
      200,
    );
    // The notice about the first link does not appear for another link.
    await page.goto(`${world.home}/reset-password#token=${GARBAGE}`);
    await tab.setPassword(NEW_PASSWORD);
    await tab.see('ask');
    expect(await tab.title('ask')).toBe('This link does not work any more');
  });

  it('an error page from a proxy', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { link } = await world.forgetful();
    await page.goto(link);
    const page502 = { status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' };
    await page.route('**/auth/reset-password', (route) => route.fulfill(page502));
    await tab.setPassword(NEW_PASSWORD);
    await tab.problem(
      'choose',
      'Something between this page and the service answered 502. Try again in a moment.',
    );
    await page.unroute('**/auth/reset-password');
    await page.locator('#choose-form button').click();
    await tab.see('done');
  });

  it('two presses send one request', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { link } = await world.forgetful();
    await page.goto(link);
    await page.locator('#new-password').fill(NEW_PASSWORD);
    const button = "document.querySelector('#choose-form button')";
    await page.evaluate(`${button}.click(), ${button}.click()`);
    await tab.see('done');
    expect(world.urls.filter((url) => url.endsWith('/auth/reset-password'))).toHaveLength(1);
  });

  it('too many attempts: says when to try again', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const strict = await world.another({ THROTTLE: 'on' });
    try {
      await page.goto(`${homeOf(strict)}/reset-password#token=${GARBAGE}`);
      for (let attempt = 0; attempt < 25; attempt++)
        await strict.api().post('/auth/reset-password', { token: GARBAGE, newPassword: NEW_PASSWORD });
      await tab.setPassword(NEW_PASSWORD);
      await tab.problem('choose', /^Too many attempts\. Try again in \d+ seconds\.$/);
      expect(await page.locator('#choose').isVisible()).toBe(true);
    } finally {
      await strict.dispose();
    }
  });

  it('no database: says to try again, and the link still works once it is back', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const database = await DatabaseProxy.open('browser');
    const fragile = await world.another({ MONGODB_URI: database.uri });
    try {
      const { email } = await newSession(fragile.api());
      await fragile.api().post('/auth/forgot-password', { email });
      await page.goto(await world.linkTo(email, RESET));
      await tab.see('choose');
      database.cut();
      await tab.setPassword(NEW_PASSWORD);
      await tab.problem('choose', /^The service cannot do this just now\. Try again in /);
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
