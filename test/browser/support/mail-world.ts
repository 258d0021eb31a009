import { expect } from '@jest/globals';
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core';
import { newSession, type Session } from '../../support/http.js';
import { type Environment, Service } from '../../support/service.js';
import { MailCatcher, until } from '../../support/smtp-server.js';
import { launchChromium } from './chromium.js';
import { LinkTab } from './link-tab.js';
import { watchPages } from './watch-pages.js';

/** An upper limit for a busy machine; every wait ends as soon as its condition holds. */
const PATIENCE_MS = 60_000;

/** A second acceptable password. */
export const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
/** Has the format of a token, but was never issued. */
export const GARBAGE = 'x'.repeat(43);
export const RESET = 'Set a new password';
export const VERIFY = 'Verify your e-mail address';

/** The service's origin as its links name it. */
export const homeOf = ({ port }: Service): string => `http://localhost:${port}`;

/** A service that sends mail, a mail catcher, and a browser that opens the links. One for each test file. */
export class MailWorld {
  /** Every URL that pages requested in this test. */
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

  /** A second service that sends its mail to the same catcher. */
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

  /** All tabs of a test share one browser context, with the options of the first. */
  async tab(options: BrowserContextOptions = {}): Promise<LinkTab> {
    if (!this.opened) {
      this.opened = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      this.opened.setDefaultTimeout(PATIENCE_MS);
      ({ complaints: this.complaints, urls: this.urls } = watchPages(this.opened));
    }
    return new LinkTab(await this.opened.newPage());
  }

  /** The link in the newest mail with this subject. */
  async linkTo(email: string, subject: string, sent = 1): Promise<string> {
    const letters = () => this.mail.sentTo(email).filter((letter) => letter.subject === subject);
    await until(() => letters().length >= sent, `${sent} letters “${subject}”`);
    return /http\S+#token=\S+/.exec(letters().at(-1)?.text ?? '')?.[0] ?? 'no link';
  }

  /** A user who has requested a new password, and the link they received. */
  async forgetful(): Promise<{ session: Session; link: string }> {
    const session = await newSession(this.service.api());
    await this.service.api().post('/auth/forgot-password', { email: session.email });
    return { session, link: await this.linkTo(session.email, RESET) };
  }

  /** After each test: no page complained, and no token was sent in a query. */
  async tidy(): Promise<void> {
    await this.opened?.close();
    this.opened = null;
    expect(this.complaints.splice(0)).toEqual([]);
    // The browser reports URLs with their fragment, which is never sent.
    const sent = this.urls.splice(0).map((url) => url.replace(/#.*/, ''));
    expect(sent.filter((url) => /eyJ|token=|email=/.test(url))).toEqual([]);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.service.dispose();
    await this.mail.close();
  }
}

/** No other address for links is set, so they lead to the service itself. */
const sendingTo = (mail: MailCatcher, over: Environment): Environment => ({
  SMTP_URL: mail.url,
  MAIL_FROM: 'no-reply@example.com',
  ISSUER: undefined,
  LOG_LEVEL: 'verbose',
  ...over,
});
