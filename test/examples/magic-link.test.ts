import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MagicLinkModule } from '../../examples/magic-link/src/magic-link.module.js';
import { UsersService } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  type Answer,
  Browser,
  COOKIE,
  expectError,
  expectInvalidField,
  PASSWORD,
  uniqueEmail,
} from '../support/http.js';
import { claimsOf } from '../support/tokens.js';

const ORIGIN = 'http://app.example.com';

describe.each(ADAPTERS)('the example of magic links, on %s', (adapter) => {
  let host: HostApp;
  const mails: { to: string; link: string }[] = [];

  beforeAll(async () => {
    const mailer = { sendLink: async (to: string, link: string) => void mails.push({ to, link }) };
    const module = MagicLinkModule.forRoot({ origin: ORIGIN, mailer });
    host = await HostApp.start(adapter, {}, { imports: [module] });
  });
  afterAll(() => host?.stop());

  const users = () => host.app.get(UsersService);
  const mailsTo = (email: string) => mails.filter(({ to }) => to === email);

  async function ask(browser: Browser, email: string): Promise<string> {
    const before = mailsTo(email).length;
    expect((await browser.post('/login/link', { email })).status).toBe(202);
    const [mail] = await eventually(
      async () => mailsTo(email).slice(before),
      (sent) => sent.length === 1,
    );
    expect(mail?.link.startsWith(`${ORIGIN}/login/link?token=`)).toBe(true);
    return mail?.link.slice(ORIGIN.length) ?? '';
  }

  /** Presses the button of the page: sends its form as a browser does. */
  async function press(browser: Browser, link: string): Promise<Answer> {
    const page = await browser.send('GET', link);
    const [, action = '', token = ''] = /action="([^"]+)".* value="([^"]+)"/.exec(page.text) ?? [];
    return send(browser, action, token);
  }

  const send = (browser: Browser, action: string, token: string) =>
    browser.send('POST', action, {
      raw: String(new URLSearchParams({ token })),
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
    });

  function expectRefused(answer: Answer, code: string): void {
    expect([answer.status, answer.headers.location]).toEqual([303, `/?login_failed=${code}`]);
    expect(answer.cookies.filter(({ name }) => name.includes(COOKIE))).toEqual([]);
  }

  it('the button logs in, and makes the user at the first time', async () => {
    const email = uniqueEmail();
    const ids = new Set<string>();
    for (const browser of [new Browser(host.origin), new Browser(host.origin)]) {
      const answer = await press(browser, await ask(browser, email));
      expect([answer.status, answer.headers.location]).toEqual([303, '/']);
      const { json } = await browser.post('/auth/refresh');
      expect(claimsOf(json.accessToken)).toMatchObject({ amr: ['mca'] });
      ids.add(json.user.id);
    }
    expect(ids.size).toBe(1);
    const user = await users().findByEmail(email);
    expect(user).toMatchObject({ passwordHash: null, emailVerifiedAt: expect.any(Date) });
  });

  it('opening the link does not use it up and shows only the button', async () => {
    const browser = new Browser(host.origin);
    const link = await ask(browser, uniqueEmail());
    for (const visitor of [new Browser(host.origin), browser]) {
      const page = await visitor.send('GET', link);
      expect(page.status).toBe(200);
      expect(page.headers).toMatchObject({
        'content-type': expect.stringContaining('text/html'),
        'cache-control': 'no-store',
        'referrer-policy': 'same-origin',
      });
      expect(page.cookies).toEqual([]);
    }
    expect((await press(browser, link)).headers.location).toBe('/');
  });

  it('a link is valid once, and only in the requesting browser', async () => {
    const [asked, other] = [new Browser(host.origin), new Browser(host.origin)];
    const link = await ask(asked, uniqueEmail());
    expectRefused(await press(other, link), 'ACTION_TOKEN_INVALID');
    await ask(other, uniqueEmail());
    expectRefused(await press(other, link), 'ACTION_TOKEN_INVALID');
    const both = await Promise.all([press(asked, link), press(asked, link)]);
    expect(both.map(({ headers }) => headers.location).sort()).toEqual([
      '/',
      '/?login_failed=ACTION_TOKEN_INVALID',
    ]);
    expectRefused(await press(asked, link), 'ACTION_TOKEN_INVALID');
  });

  it('an earlier link still works after another was requested', async () => {
    const browser = new Browser(host.origin);
    const email = uniqueEmail();
    const first = await ask(browser, email);
    await ask(browser, email);
    expect((await press(browser, first)).headers.location).toBe('/');
  });

  it('the answer is the same for everybody, and a mailbox gets few mails', async () => {
    const known = await users().register({ email: uniqueEmail(), password: PASSWORD });
    const stranger = uniqueEmail();
    const answers = [];
    for (const email of [known.email, stranger]) {
      const { status, text, headers } = await new Browser(host.origin).post('/login/link', { email });
      answers.push({ status, text, names: Object.keys(headers).sort() });
    }
    expect(answers[0]).toEqual(answers[1]);
    for (let asked = 0; asked < 8; asked += 1)
      expect((await host.api().post('/login/link', { email: stranger })).status).toBe(202);
    await ask(new Browser(host.origin), uniqueEmail());
    expect(mailsTo(stranger).length).toBeLessThanOrEqual(5);
  });

  it('an account whose password was set by someone who never proved the address is not opened', async () => {
    const { id, email } = await users().register({ email: uniqueEmail(), password: PASSWORD });
    const browser = new Browser(host.origin);
    expectRefused(await press(browser, await ask(browser, email)), 'EMAIL_NOT_VERIFIED');
    await users().verifyEmail(id);
    expect((await press(browser, await ask(browser, email))).headers.location).toBe('/');
  });

  it('refuses other sites, and invalid addresses and tokens', async () => {
    const foreign = { headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } };
    const asked = await host.api().post('/login/link', { email: uniqueEmail() }, foreign);
    expectError(asked, 403, 'CROSS_SITE_REQUEST');
    for (const email of ['', 'nobody', 7, { $gt: '' }, `a@${'b'.repeat(300)}`])
      expectInvalidField(await host.api().post('/login/link', { email }), 'email');
    const browser = new Browser(host.origin);
    for (const token of ['', '"><script>', 'x'.repeat(43)])
      expectRefused(await send(browser, '/login/link/redeem', token), 'ACTION_TOKEN_INVALID');
    const page = await browser.send('GET', `/login/link?token=${encodeURIComponent('"><script>alert(1)')}`);
    expect(page.text).not.toContain('script');
  });
});
