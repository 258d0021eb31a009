import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { expectError, PASSWORD, uniqueEmail } from '../support/http.js';
import { describeInBrowser } from './support/chromium.js';
import { MailWorld, VERIFY } from './support/mail-world.js';

describeInBrowser('the page that verifies an address', () => {
  let world: MailWorld;
  beforeAll(async () => {
    world = await MailWorld.open({ EMAIL_VERIFICATION: 'required' });
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  async function registered(): Promise<{ email: string; link: string }> {
    const email = uniqueEmail();
    await world.service.api().register({ email, password: PASSWORD });
    return { email, link: await world.linkTo(email, VERIFY) };
  }

  it('from the demo, a mailed link verifies the account, which can then log in', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const email = uniqueEmail('ada');
    await page.goto(world.home);
    await page.locator('#email').fill(email);
    await page.locator('#password').fill(PASSWORD);
    await page.locator('button[value=register]').click();
    await page.locator('#form-note').filter({ hasText: 'Open its link, then sign in.' }).waitFor();
    await tab.logIn(email, PASSWORD);
    await page.locator('#form-error').filter({ hasText: 'not verified yet' }).waitFor();
    expect(await page.locator('#form-note').innerText()).toBe('');

    await page.goto(await world.linkTo(email, VERIFY));
    await tab.see('verify');
    expect(page.url()).toBe(`${world.home}/verify-email`);
    await tab.pastHeader();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await tab.see('done');
    expect(await tab.title('done')).toBe('Your address is verified');
    await tab.expectFocus('done-title');
    await page.locator('#done .button').click();
    await tab.logIn(email, PASSWORD);
    await tab.see('token');
  });

  it('opening the link, as mail scanners do, neither verifies the address nor uses up the link', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { email, link } = await registered();
    await page.goto(link);
    await tab.see('verify');
    await page.waitForLoadState('networkidle');
    expect(world.urls.filter((url) => url.includes('/auth/'))).toEqual([]);
    expectError(await world.service.api().login({ email, password: PASSWORD }), 403, 'EMAIL_NOT_VERIFIED');
    await page.goto('about:blank');
    await page.goto(link);
    await tab.verify();
    await tab.see('done');
    expect((await world.service.api().login({ email, password: PASSWORD })).status).toBe(200);
  });

  it('a link works once, and an invented one never; both say what to do', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { link } = await registered();
    await page.goto(link);
    await tab.verify();
    await tab.see('done');
    for (const dead of [link, `${world.home}/verify-email#token=${'x'.repeat(2000)}`]) {
      // In the same tab only the fragment changes, so nothing is loaded.
      await page.goto(dead);
      await tab.see('verify');
      expect(page.url()).not.toContain('#');
      await tab.verify();
      await tab.see('none');
      expect(await tab.title('none')).toBe('This link does not work any more');
      await tab.expectFocus('none-title');
    }
  });

  it('without a link says what to do; offline as well, and continues once online', async () => {
    const tab = await world.tab();
    const { page } = tab;
    const { link } = await registered();
    await page.goto(`${world.home}/verify-email`);
    await tab.see('none');
    expect(await tab.title('none')).toBe('Open the link in your mail');
    await page.goto(link);
    await tab.see('verify');
    await world.context.setOffline(true);
    await tab.verify();
    await tab.problem('verify', 'The service cannot be reached. Is this device offline? Try again.');
    await world.context.setOffline(false);
    await tab.verify();
    await tab.see('done');
  });
});
