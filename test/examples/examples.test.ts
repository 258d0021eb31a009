import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { describeInBrowser, launchChromium } from '../browser/support/chromium.js';
import { expectRegistry, npm } from '../package/fresh-host.js';
import { databaseUri } from '../support/database.js';
import { freePort } from '../support/free-port.js';
import { PASSWORD, uniqueEmail } from '../support/http.js';
import { answering, NodeProcesses } from '../support/node-processes.js';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const INSTALLED_WITHIN_MS = 240_000;
/** The lifetime of the example's access tokens: short, so that pages have to replace them. */
const TTL_SECONDS = 2;

const secret = () => randomBytes(48).toString('base64url');
const run = promisify(execFile);

let folder: string;
let browser: Browser | undefined;
const processes = new NodeProcesses();
const origins: Partial<Record<'react' | 'vue', string>> = {};

beforeAll(async () => {
  await expectRegistry('vite');
  folder = await mkdtemp(join(tmpdir(), 'silent-auth-examples-'));
  // The files of a user's clone.
  const isSource = (path: string) => !/node_modules|\/dist$|\.tgz$/.test(path.slice(EXAMPLES.length));
  await cp(EXAMPLES, folder, { recursive: true, filter: isSource });
  await run(process.execPath, [join(EXAMPLES, 'pack.mjs'), folder]);
  await npm(folder, 'install', '--prefer-offline');
  await npm(folder, 'run', 'build');

  const api = await freePort();
  processes.start(join(folder, 'api'), ['dist/main.js'], {
    PORT: String(api),
    MONGODB_URI: databaseUri('examples'),
    JWT_ACCESS_KEY: secret(),
    JWT_REFRESH_KEY: secret(),
    ACCESS_TOKEN_TTL: `${TTL_SECONDS}s`,
    ISSUER: `http://localhost:${api}`,
  });
  await answering(`http://127.0.0.1:${api}/.well-known/jwks.json`);
  for (const page of ['react', 'vue'] as const) {
    const port = await freePort();
    const vite = join(folder, 'node_modules/vite/bin/vite.js');
    const command = [vite, 'preview', '--host', '127.0.0.1', '--port', String(port), '--strictPort'];
    processes.start(join(folder, page), command, {
      API_URL: `http://127.0.0.1:${api}`,
    });
    origins[page] = `http://127.0.0.1:${port}`;
    await answering(origins[page]);
  }
}, INSTALLED_WITHIN_MS);

afterAll(async () => {
  await browser?.close();
  await processes.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.each(['react', 'vue'] as const)('the %s example', (page) => {
  it('is built, and its page is served with the API behind it on one origin', async () => {
    const html = await (await fetch(`${origins[page]}/`)).text();
    expect(html).toMatch(/<script type="module" [^>]*src="\/assets\/index-/);
    const refused = await fetch(`${origins[page]}/orders`);
    expect({ status: refused.status, body: await refused.json() }).toMatchObject({
      status: 401,
      body: { code: 'ACCESS_TOKEN_MISSING' },
    });
  });
});

describe.each(['google', 'magic-link', 'passkeys', 'totp'])('the %s example', (workspace) => {
  it('is built, and starts', async () => {
    const port = await freePort();
    processes.start(join(folder, workspace), ['dist/main.js'], {
      PORT: String(port),
      MONGODB_URI: databaseUri('examples'),
      JWT_ACCESS_KEY: secret(),
      JWT_REFRESH_KEY: secret(),
      ISSUER: `http://localhost:${port}`,
      GOOGLE_CLIENT_ID: 'an-application',
      GOOGLE_CLIENT_SECRET: 'a-secret',
    });
    await answering(`http://127.0.0.1:${port}/.well-known/jwks.json`);
    const stranger = await fetch(`http://127.0.0.1:${port}/auth/me`);
    expect(stranger.status).toBe(401);
  });
});

describeInBrowser('the examples in a browser', () => {
  beforeAll(async () => {
    browser = await launchChromium();
  });

  it.each(['react', 'vue'] as const)(
    '%s: register, order, stay signed in after a token has expired and after a reload, sign out',
    async (example) => {
      const context = await browser!.newContext();
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      await page.goto(`${origins[example]}/`);
      await page.getByLabel('E-mail').fill(uniqueEmail());
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Register' }).click();

      const order = async (what: string) => {
        await page.getByLabel('What').fill(what);
        await page.getByRole('button', { name: 'Order', exact: true }).click();
        await page.getByRole('listitem').getByText(what).waitFor();
      };
      await order('tea');
      // Not a guess: the token's lifetime has to pass.
      await page.waitForTimeout((TTL_SECONDS + 1) * 1000);
      await order('biscuits');
      await page.reload();
      await page.getByRole('listitem').getByText('biscuits').waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      expect(problems).toEqual([]);
      await context.close();
    },
  );
});
