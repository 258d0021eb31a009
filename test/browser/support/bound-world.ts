import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { selfSignedCertificate } from '../../support/self-signed-certificate.js';
import { findChromium, FLAGS } from './chromium.js';

const HOST = 'app.example.test';
/** Another origin of the same site. */
const FRONT_END = 'front.example.test';
/** Chromium's switch for tests: keys in software, for machines without secure hardware. */
const FEATURES = 'DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting';

export interface Seen {
  readonly line: string;
  readonly skipped: string | undefined;
}

/** An HTTPS proxy before a service, with a certificate the browser trusts. Records requests, and can refuse them. */
export class SecureFront {
  readonly seen: Seen[] = [];
  /** Paths that are answered with 503. */
  readonly failing = new Set<string>();
  private target = '';

  private constructor(
    private readonly server: Server,
    /**
     * The hash of the certificate's key. Chromium disables device-bound sessions if it ignores certificate
     * errors in general.
     */
    readonly trust: string,
  ) {}

  static async open(): Promise<SecureFront> {
    const certificate = selfSignedCertificate();
    const spki = new X509Certificate(certificate.cert).publicKey.export({ type: 'spki', format: 'der' });
    const server = createServer(certificate);
    const front = new SecureFront(server, createHash('sha256').update(spki).digest('base64'));
    server.on('request', (incoming, outgoing) => {
      const { method = '', url = '', headers } = incoming;
      if (url === '/') return void outgoing.setHeader('content-type', 'text/html').end('<!doctype html>');
      const answer = (status: number) =>
        front.seen.push({ line: `${method} ${url} ${status}`, skipped: skippedIn(headers) });
      if (front.failing.has(url)) {
        answer(503);
        return void outgoing.writeHead(503, { 'retry-after': '1' }).end();
      }
      const forward = request(new URL(url, front.target), { method, headers }, (response) => {
        answer(response.statusCode ?? 0);
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      });
      incoming.pipe(forward);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  leadTo(target: string): void {
    this.target = target;
  }

  get origin(): string {
    return `https://${HOST}:${(this.server.address() as AddressInfo).port}`;
  }

  /** The origin of the front end, whose pages call the service on another origin. */
  get frontEnd(): string {
    return this.origin.replace(HOST, FRONT_END);
  }

  /** How many times this line was recorded. */
  count(line: string): number {
    return this.seen.filter((each) => each.line === line).length;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function skippedIn(headers: Readonly<Record<string, unknown>>): string | undefined {
  const skipped = headers['secure-session-skipped'];
  return typeof skipped === 'string' ? skipped.split(';')[0] : undefined;
}

/** A Chromium with its own profile, which survives a restart. */
export class BoundChromium {
  private browser: Browser | null = null;
  private page: Page | null = null;
  /** How many keys the browser has registered: later than the front records its own answer. */
  registered = 0;

  private constructor(
    private readonly front: SecureFront,
    private readonly profile: string,
  ) {}

  static async start(front: SecureFront): Promise<BoundChromium> {
    const chromium = new BoundChromium(front, await mkdtemp(join(tmpdir(), 'bound-')));
    await chromium.open();
    return chromium;
  }

  async restart(): Promise<void> {
    await this.browser?.close();
    await this.open();
  }

  /** Sends a POST from a script of the page. */
  async post(
    path: string,
    body?: object,
  ): Promise<{ status: number; retryAfter: string | null; code?: string }> {
    if (!this.page) throw new Error('not open');
    return this.page.evaluate(
      async (url, text) => {
        const headers = { 'content-type': 'application/json' };
        const init = text === null ? {} : { body: text, headers };
        const answer = await fetch(url, { method: 'POST', credentials: 'include', ...init });
        const { code } = await answer.json().catch(() => ({}));
        return { status: answer.status, retryAfter: answer.headers.get('retry-after'), code };
      },
      this.front.origin + path,
      body === undefined ? null : JSON.stringify(body),
    );
  }

  async visit(origin: string): Promise<void> {
    await this.page?.goto(`${origin}/`);
  }

  cookies() {
    return this.context.cookies();
  }

  /** As if the cookie had expired. */
  async dropCookie(name: string): Promise<void> {
    await this.context.deleteCookie(...(await this.cookies()).filter((cookie) => cookie.name === name));
  }

  /** As malware would copy them. */
  async takeCookiesOf(other: BoundChromium): Promise<void> {
    await this.context.setCookie(...(await other.cookies()));
  }

  async close(): Promise<void> {
    await this.browser?.close();
    await rm(this.profile, { recursive: true, force: true });
  }

  private get context() {
    if (!this.browser) throw new Error('not open');
    return this.browser.defaultBrowserContext();
  }

  private async open(): Promise<void> {
    this.browser = await puppeteer.launch({
      executablePath: findChromium() ?? '',
      headless: true,
      userDataDir: this.profile,
      args: [
        ...FLAGS,
        `--enable-features=${FEATURES}`,
        `--host-resolver-rules=MAP *.example.test 127.0.0.1`,
        `--ignore-certificate-errors-spki-list=${this.front.trust}`,
      ],
    });
    this.page = await this.browser.newPage();
    const events = await this.page.createCDPSession();
    events.on('Network.deviceBoundSessionEventOccurred', ({ succeeded, creationEventDetails }) => {
      if (succeeded && creationEventDetails) this.registered += 1;
    });
    await events.send('Network.enable');
    await events.send('Network.enableDeviceBoundSessions', { enable: true });
    await this.visit(this.front.origin);
  }
}
