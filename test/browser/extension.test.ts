import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type BrowserContext, chromium } from 'playwright-core';
import { snippetsOf, WrittenFiles } from '../support/compile.js';
import { PASSWORD, uniqueEmail } from '../support/http.js';
import { Service } from '../support/service.js';
import { describeInBrowser, findChromium, FLAGS } from './support/chromium.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The client as `auth` in a service worker, set up as for a page on another origin. */
const WORKER = (service: string) => `
import { authOf } from './shell.js';
const { local } = chrome.storage;
globalThis.auth = authOf('${service}', {
  get: async (key) => (await local.get(key))[key] ?? null,
  set: (key, value) => local.set({ [key]: value }),
  remove: (key) => local.remove(key),
});
`;

/** Chromium derives the id of an extension from its key. */
function newIdentity() {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
  const id = hash.replaceAll(/./g, (digit) => String.fromCharCode(97 + parseInt(digit, 16)));
  return { key: key.toString('base64'), id };
}

describeInBrowser('an extension (docs/front-ends/other-origins.md)', () => {
  const { key, id } = newIdentity();
  let folder: string;
  let files: WrittenFiles;
  let service: Service;

  beforeAll(async () => {
    service = await Service.start({ TRUSTED_ORIGINS: `chrome-extension://${id}` });
    const page = await readFile(join(ROOT, 'docs/front-ends/other-origins.md'), 'utf8');
    files = await WrittenFiles.write({ ...snippetsOf(page, 'shell'), 'worker.js': WORKER(service.origin) });
    folder = await mkdtemp(join(tmpdir(), 'silent-auth-extension-'));
    const manifest = {
      ...{ manifest_version: 3, name: 'Orders', version: '1', key },
      ...{ background: { service_worker: 'worker.js' }, permissions: ['storage'] },
      host_permissions: ['http://127.0.0.1/*'],
    };
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
    await promisify(execFile)(join(ROOT, 'node_modules/.bin/esbuild'), [
      join(files.folder, 'worker.js'),
      ...['--bundle', '--log-level=error', `--outfile=${join(folder, 'worker.js')}`],
    ]);
  });
  afterAll(async () => {
    await service.dispose();
    await files.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** Evaluates an expression in the extension's service worker, in a new browser process. */
  async function inWorker(profile: string, expression: string): Promise<unknown> {
    const context: BrowserContext = await chromium.launchPersistentContext(profile, {
      executablePath: findChromium() ?? '',
      headless: true,
      args: [...FLAGS, `--disable-extensions-except=${folder}`, `--load-extension=${folder}`],
    });
    try {
      const [running] = context.serviceWorkers();
      const worker = running ?? (await context.waitForEvent('serviceworker'));
      expect(new URL(worker.url()).host).toBe(id);
      return await worker.evaluate(expression);
    } finally {
      await context.close();
    }
  }

  // Google's own builds ignore `--load-extension`.
  const inChromium = /google/.test(findChromium() ?? '') ? it.skip : it;

  inChromium('signs in, and is still signed in after a browser restart', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'silent-auth-profile-'));
    const email = uniqueEmail();
    const input = JSON.stringify({ email, password: PASSWORD });
    expect(await inWorker(profile, `auth.register(${input}).then((user) => user.email)`)).toBe(email);
    const later = `auth.restore().then(() => auth.fetch('${service.origin}/auth/me')).then((r) => r.json())`;
    expect(await inWorker(profile, later)).toMatchObject({ email });
    await rm(profile, { recursive: true, force: true });
  });
});
