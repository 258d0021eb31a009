import { expect } from '@jest/globals';
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core';
import { newSession, type Session } from '../../support/http.js';
import { type Environment, Service } from '../../support/service.js';
import { MailCatcher, until } from '../../support/smtp-server.js';
import { launchChromium } from './chromium.js';
import { LinkTab } from './link-tab.js';
import { watchPages } from './watch-pages.js';

/** A busy machine may take its time; nothing here waits for longer than it has to. */
const PATIENCE_MS = 60_000;

/** Another good one than the user had. */
export const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
/** In the form of a token, and of nobody. */
export const GARBAGE = 'x'.repeat(43);
export const RESET = 'Set a new password';
export const VERIFY = 'Verify your e-mail address';

/** Where a service is as its own links have it. */
export const homeOf = ({ port }: Service): string => `http://localhost:${port}`;

/** A service that sends mail, the mail, and a browser in which its links are opened: one for a file. */
export class MailWorld {
  /** Every URL that pages asked for in this test. */
  urls: string[] = [];
  private complaints: string[] = [];
  private opened: BrowserContext | null = null;

  private constructor(
    readonly mail: MailCatcher,
    readonly service: Service,
    private readonly browser: Browser,
  ) {}

  static async open(over: Environment = {}): Promise<MailWorld> {
    const mail = await MailCatcher.start();
    const [service, browser] = await Promise.all([Service.start(sendingTo(mail, over)), launchChromium()]);
    return new MailWorld(mail, service, browser);
  }

  /** One more service that sends its mail there. */
  another(over: Environment): Promise<Service> {
    return Service.start(sendingTo(this.mail, over));
  }

  get home(): string {
    return homeOf(this.service);
  }

  get context(): BrowserContext {
    if (!this.opened) throw new Error('no tab was opened in this test');
    return this.opened;
  }

  /** All tabs of a test are of one browser, with the options of the first. */
  async tab(options: BrowserContextOptions = {}): Promise<LinkTab> {
    if (!this.opened) {
      this.opened = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      this.opened.setDefaultTimeout(PATIENCE_MS);
      ({ complaints: this.complaints, urls: this.urls } = watchPages(this.opened));
    }
    return new LinkTab(await this.opened.newPage());
  }

  /** The link of the newest letter with a subject. */
  async linkTo(email: string, subject: string, sent = 1): Promise<string> {
    const letters = () => this.mail.sentTo(email).filter((letter) => letter.subject === subject);
    await until(() => letters().length >= sent, `${sent} letters “${subject}”`);
    return /http\S+#token=\S+/.exec(letters().at(-1)?.text ?? '')?.[0] ?? 'no link';
  }

  /** A user who has forgotten the password, and the link that they were sent. */
  async forgetful(): Promise<{ session: Session; link: string }> {
    const session = await newSession(this.service.api());
    await this.service.api().post('/auth/forgot-password', { email: session.email });
    return { session, link: await this.linkTo(session.email, RESET) };
  }

  /** After each test. No page complained, and nothing was sent behind a `?`. */
  async tidy(): Promise<void> {
    await this.opened?.close();
    this.opened = null;
    expect(this.complaints.splice(0)).toEqual([]);
    // The browser reports the link without the part behind the `#`, which is not sent.
    const sent = this.urls.splice(0).map((url) => url.replace(/#.*/, ''));
    expect(sent.filter((url) => /eyJ|token=|email=/.test(url))).toEqual([]);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.service.dispose();
    await this.mail.close();
  }
}

/** Its links lead to the service itself: nobody says where else. */
const sendingTo = (mail: MailCatcher, over: Environment): Environment => ({
  SMTP_URL: mail.url,
  MAIL_FROM: 'no-reply@example.com',
  ISSUER: undefined,
  LOG_LEVEL: 'verbose',
  ...over,
});
