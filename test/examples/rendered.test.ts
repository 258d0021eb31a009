import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { describeInBrowser, launchChromium } from '../browser/support/chromium.js';
import { type Watched, watchPages } from '../browser/support/watch-pages.js';
import { expectRegistry } from '../package/fresh-host.js';
import { databaseUri } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { COOKIE, PASSWORD, uniqueEmail } from '../support/http.js';
import { answering, NodeProcesses } from '../support/node-processes.js';
import { claimsOf } from '../support/tokens.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = join(ROOT, 'examples');
const TSC = join(ROOT, 'node_modules/.bin/tsc');
const BUILT_WITHIN_MS = 480_000;
const REFRESH = 'POST /auth/refresh';
const QUIET = { NEXT_TELEMETRY_DISABLED: '1', NUXT_TELEMETRY_DISABLED: '1' };

const run = promisify(execFile);
const secret = () => randomBytes(48).toString('base64url');

/** A proxy between the page servers and the API: counts what passes, and can be cut. */
class Line {
  /** `POST /auth/refresh` and the like, once they are answered. */
  readonly passed: string[] = [];
  /** Instead of an answer, the line is cut. */
  isCut = false;
  /** Answers are held back until this resolves. */
  held: Promise<void> = Promise.resolve();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async open(target: number): Promise<Line> {
    const server = createServer((incoming, outgoing) => {
      const { method, url: path, headers } = incoming;
      if (line.isCut) return void outgoing.destroy();
      const onward = request({ port: target, host: '127.0.0.1', method, path, headers }, (answer) => {
        line.passed.push(`${method} ${path}`);
        void line.held.then(() => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        });
      });
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const line = new Line(server, (server.address() as { port: number }).port);
    return line;
  }

  count(route: string): number {
    return this.passed.filter((passed) => passed === route).length;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

describeInBrowser('pages that a server renders', () => {
  let examples: string;
  let compiledApi: string;
  let line: Line;
  let browser: Browser;
  let context: BrowserContext;
  let watched: Watched;
  const processes = new NodeProcesses();
  const origins = {} as Record<'next' | 'nuxt', string>;

  beforeAll(async () => {
    await expectRegistry('next');
    const api = await freePort();
    line = await Line.open(api);
    const environment = { ...QUIET, API_URL: `http://127.0.0.1:${line.port}` };
    [examples, compiledApi] = await Promise.all([build(environment), compileApi()]);
    const folder = join(examples, 'rendered');
    processes.start(compiledApi, ['main.js'], {
      RENDERED_PAGES: 'true',
      PORT: String(api),
      MONGODB_URI: databaseUri('rendered'),
      JWT_ACCESS_KEY: secret(),
      JWT_REFRESH_KEY: secret(),
      ISSUER: `http://localhost:${api}`,
    });
    await answering(`http://127.0.0.1:${api}/.well-known/jwks.json`);
    const next = await freePort();
    const command = [
      join(folder, 'node_modules/next/dist/bin/next'),
      'start',
      '-H',
      '127.0.0.1',
      '-p',
      String(next),
    ];
    processes.start(join(folder, 'next'), command, { ...environment, PAGE_SECRET: secret() });
    const nuxt = await freePort();
    processes.start(join(folder, 'nuxt'), ['.output/server/index.mjs'], {
      HOST: '127.0.0.1',
      PORT: String(nuxt),
      NUXT_API_URL: environment.API_URL,
    });
    origins.next = `http://127.0.0.1:${next}`;
    origins.nuxt = `http://127.0.0.1:${nuxt}`;
    await Promise.all(Object.values(origins).map(answering));
    browser = await launchChromium();
  }, BUILT_WITHIN_MS);

  afterEach(async () => {
    await context.close();
    line.isCut = false;
    line.passed.length = 0;
  });

  afterAll(async () => {
    await browser?.close();
    await processes.stop();
    await line?.close();
    for (const each of [examples, compiledApi]) if (each) await rm(each, { recursive: true, force: true });
  });

  const open = async (url: string): Promise<Page> => {
    context = await browser.newContext();
    watched = watchPages(context);
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };
  /** A page on which a new user has just registered, with empty counters. */
  const signedIn = async (origin: string) => {
    const page = await open(origin);
    const email = uniqueEmail();
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByText(`Hello ${email}.`).waitFor();
    line.passed.length = 0;
    return { page, email };
  };
  const order = async (page: Page, what: string) => {
    await page.getByLabel('What').fill(what);
    await page.getByRole('button', { name: 'Order', exact: true }).click();
    await page.getByRole('listitem').getByText(what).waitFor();
  };
  const refreshCookie = async () => {
    const cookies = await context.cookies();
    return cookies.find(({ name }) => name === COOKIE);
  };
  const generation = async () => claimsOf((await refreshCookie())?.value ?? '').gen;
  /** Scripts have run, and the page has taken over the rendered state. */
  const settled = (page: Page) => page.waitForLoadState('networkidle');

  for (const example of ['next', 'nuxt'] as const) {
    it(`${example}: the first frame shows the user and the orders, with one refresh, and the browser continues from it`, async () => {
      const { page, email } = await signedIn(origins[example]);
      await order(page, 'tea');
      const before = await generation();
      line.passed.length = 0;

      const answer = await page.reload();
      const html = (await answer?.text()) ?? '';
      expect(html).toContain(email);
      expect(html).toMatch(/<li[^>]*>tea<\/li>/);
      expect(html).not.toMatch(/eyJ[\w-]{10,}/);
      expect(answer?.headers()['cache-control']).toMatch(/private.*no-store|no-store.*private/);
      await settled(page);
      expect(line.passed.sort()).toEqual(['GET /orders', REFRESH]);
      expect(await generation()).toBe(before + 1);
      expect(await refreshCookie()).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });

      // The browser's first request needs its own token.
      await order(page, 'biscuits');
      expect(line.count(REFRESH)).toBe(2);
      await order(page, 'milk');
      expect(line.count(REFRESH)).toBe(2);
      expect(watched.complaints).toEqual([]);
    });

    it(`${example}: a visitor is rendered without a refresh`, async () => {
      const page = await open(origins[example]);
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      await settled(page);
      expect(line.passed).toEqual([]);
      expect(watched.complaints).toEqual([]);
    });

    it(`${example}: twenty tabs at once all show the user; nobody is signed out`, async () => {
      const { page, email } = await signedIn(origins[example]);
      const tabs = await Promise.all(Array.from({ length: 20 }, () => context.newPage()));
      await Promise.all(tabs.map((tab) => tab.goto(origins[example])));
      for (const tab of tabs) await tab.getByText(`Hello ${email}.`).waitFor();
      expect(line.count(REFRESH)).toBe(20);
      await order(tabs[7]!, 'tea');
      await page.reload();
      await page.getByRole('listitem').getByText('tea').waitFor();
      expect(watched.complaints).toEqual([]);
    });

    it(`${example}: a page that is left before its cookie arrives costs nobody their session`, async () => {
      const { page, email } = await signedIn(origins[example]);
      const before = await generation();
      let release = () => {};
      line.held = new Promise((resolve) => (release = resolve));
      const left = await context.newPage();
      const leaving = left.goto(origins[example]).catch(() => undefined);
      await eventually(
        async () => line.count(REFRESH),
        (count) => count === 1,
      );
      await left.close();
      release();
      await leaving;
      expect(await generation()).toBe(before);
      await page.reload();
      await page.getByText(`Hello ${email}.`).waitFor();
      await order(page, 'tea');
      expect(await generation()).toBeGreaterThan(before);
    });

    it(`${example}: without the service the page says so, and the browser comes back by itself`, async () => {
      const { page, email } = await signedIn(origins[example]);
      const before = await generation();
      line.isCut = true;
      const answer = await page.reload();
      expect(await answer?.text()).toContain('One moment');
      expect(await generation()).toBe(before);
      line.isCut = false;
      await page.getByText(`Hello ${email}.`).waitFor();
      expect(watched.complaints).toEqual([]);
    });

    it(`${example}: a logout reaches other tabs and the next page`, async () => {
      const { page } = await signedIn(origins[example]);
      const other = await context.newPage();
      await other.goto(origins[example]);
      await settled(other);
      // The page has asked for no token since it was rendered.
      await other.getByRole('button', { name: 'Sign out' }).click();
      for (const each of [page, other]) await each.getByRole('button', { name: 'Sign in' }).waitFor();
      await eventually(refreshCookie, (cookie) => cookie === undefined);
      expect(await refreshCookie()).toBeUndefined();
      const html = await (await page.reload())?.text();
      expect(html).toContain('Sign in');
      expect(watched.complaints).toEqual([]);
    });

    it(`${example}: a session that ended elsewhere ends with the page, and its cookie is gone`, async () => {
      const { page } = await signedIn(origins[example]);
      const cookie = (await refreshCookie())?.value ?? '';
      await fetch(`http://127.0.0.1:${line.port}/auth/logout`, {
        method: 'POST',
        headers: { cookie: `${COOKIE}=${cookie}` },
      });
      const html = await (await page.reload())?.text();
      expect(html).toContain('Sign in');
      expect(await refreshCookie()).toBeUndefined();
    });
  }

  it('next: a link that is prefetched and followed refreshes nothing, and the page it leads to knows the user', async () => {
    const { page, email } = await signedIn(origins.next);
    await page.reload();
    await settled(page);
    const isPrefetched = await eventually(
      async () => watched.urls.some((url) => url.includes('/about') && url.includes('_rsc')),
      (isSeen) => isSeen,
    );
    expect(isPrefetched).toBe(true);
    await settled(page);
    expect(line.count(REFRESH)).toBe(1);
    await page.getByRole('link', { name: 'About' }).click();
    await page.getByRole('heading', { name: 'About' }).waitFor();
    await page.getByText(`Hello ${email}.`).waitFor();
    await page.getByRole('link', { name: 'Orders' }).click();
    await page.getByRole('heading', { name: 'Orders' }).waitFor();
    await settled(page);
    expect(watched.complaints).toEqual([]);
  });

  it('next: a client cannot send in who is signed in, on a path of the proxy or outside it', async () => {
    await open(origins.next);
    const forged = Buffer.from(JSON.stringify({ state: { status: 'signed-in', user: { email: 'forged' } } }));
    for (const path of ['/', '/about', '/no-such.page'])
      for (const name of ['x-silent-auth-page', 'x-middleware-request-x-silent-auth-page'])
        for (const value of [forged.toString(), forged.toString('base64url')]) {
          const answer = await fetch(origins.next + path, {
            headers: { accept: 'text/html', [name]: value },
          });
          expect(await answer.text()).not.toContain('forged');
        }
  });
});

/** The examples as in a user's clone; the rendered ones are installed and built. */
async function build(environment: NodeJS.ProcessEnv): Promise<string> {
  const examples = await mkdtemp(join(tmpdir(), 'silent-auth-rendered-'));
  const isSource = (path: string) =>
    !/node_modules|\/(dist|\.next|\.nuxt|\.output)$|\.tgz$/.test(path.slice(EXAMPLES.length));
  await cp(EXAMPLES, examples, { recursive: true, filter: isSource });
  for (const file of ['next/proxy.ts', 'nuxt/app/plugins/auth.ts'])
    await waitLonger(join(examples, 'rendered', file));
  await run(process.execPath, [join(EXAMPLES, 'pack.mjs'), examples]);
  // Larger than what the other examples install, so the usual time limit for npm is too short.
  for (const command of [
    ['install', '--prefer-offline'],
    ['run', 'build'],
  ])
    await run('npm', command, { cwd: join(examples, 'rendered'), env: { ...process.env, ...environment } });
  return examples;
}

/** On a busy machine, twenty pages at once take longer than the few seconds that a page should wait for its user. */
async function waitLonger(file: string): Promise<void> {
  const code = await readFile(file, 'utf8');
  const patient = code.replace(/baseUrl: `[^`]*\}\/auth`/, '$&, timeout: 20');
  expect(patient).not.toBe(code);
  await writeFile(file, patient);
}

/** The API imports the library by its name, which a folder of this repository finds. */
async function compileApi(): Promise<string> {
  const folder = await mkdtemp(join(ROOT, 'test/examples/compiled-'));
  await run(TSC, ['-p', join(EXAMPLES, 'api'), '--outDir', folder]);
  return folder;
}
