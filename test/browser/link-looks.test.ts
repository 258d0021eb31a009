import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { violations } from './support/axe.js';
import { describeInBrowser } from './support/chromium.js';
import { GARBAGE, MailWorld, NEW_PASSWORD } from './support/mail-world.js';

describeInBrowser('the pages that mailed links open', () => {
  let world: MailWorld;
  beforeAll(async () => {
    world = await MailWorld.open();
  });
  afterEach(() => world.tidy());
  afterAll(() => world?.close());

  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [320, 1280])
      it(`are accessible, and fit ${width} pixels, in ${colorScheme} colours, with every message they can show`, async () => {
        const tab = await world.tab({ colorScheme, viewport: { width, height: 800 } });
        const { page } = tab;
        const look = async (id: string) => {
          await tab.see(id);
          expect({ id, found: await violations(page) }).toEqual({ id, found: [] });
          expect({ id, width: await page.evaluate('document.documentElement.scrollWidth') }).toEqual({
            id,
            width,
          });
        };
        const { session, link } = await world.forgetful();
        await page.goto(world.home);
        await look('forgot');
        await page.goto(`${world.home}/reset-password`);
        await look('ask');
        await page.locator('#ask-form button').click();
        await tab.problem('ask', 'Give');
        await look('ask');
        await page.locator('#email').fill(session.email);
        await page.keyboard.press('Enter');
        await look('sent');
        await page.goto(link);
        await look('choose');
        await tab.setPassword('password1');
        await tab.problem('choose', 'attackers');
        await look('choose');
        await tab.setPassword(NEW_PASSWORD);
        await look('done');
        await page.goto(link);
        await tab.setPassword(NEW_PASSWORD);
        await look('ask');
        await page.goto(`${world.home}/verify-email`);
        await look('none');
        await page.goto(`${world.home}/verify-email#token=${GARBAGE}`);
        await look('verify');
        await tab.verify();
        await look('none');
      });
});
