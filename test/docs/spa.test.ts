import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../support/free-port.js';
import { type Answer, Api, COOKIE, newSession, PASSWORD, uniqueEmail } from '../support/http.js';
import { Service } from '../support/service.js';
import { claimsOf } from '../support/tokens.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_WITHIN_MS = 30_000;

describe('docs/spa.md, and what the README says about front ends', () => {
  let folder: string;
  let output: string;
  let names: string[];

  beforeAll(async () => {
    const documents = ['docs/spa.md', 'README.md'].map((path) => readFile(join(ROOT, path), 'utf8'));
    const document = (await Promise.all(documents)).join('\n');
    const snippets = [...document.matchAll(/```tsx?\n\/\/ (\S+)\n([\s\S]*?)```/g)];
    names = snippets.map(([, name = '']) => name);
    folder = await mkdtemp(join(ROOT, 'test/docs/compiled-'));
    await mkdir(join(folder, 'src'));
    for (const [, name = '', code = ''] of snippets) await writeFile(join(folder, 'src', name), code);
    const config = {
      extends: '../../../tsconfig.json',
      compilerOptions: {
        lib: ['ES2023', 'DOM', 'DOM.Iterable'],
        jsx: 'react-jsx',
        // As published: by the package's own name.
        paths: {},
        noEmit: false,
        outDir: 'out',
        rootDir: 'src',
      },
      include: ['src'],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    const compiled = promisify(execFile)(tsc, ['-p', folder]);
    ({ stdout: output } = await compiled.catch((error: { stdout: string }) => error));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('shows modules that compile', () => {
    expect(names).toEqual(
      expect.arrayContaining([
        'auth.ts',
        'login.ts',
        'links.ts',
        'orders.ts',
        'http.ts',
        'app.tsx',
        'main.ts',
        'render.ts',
        'respond.ts',
        'page.ts',
      ]),
    );
    expect(output).toBe('');
  });

  it('shows code of the examples unchanged', async () => {
    const page = await readFile(join(ROOT, 'docs/spa.md'), 'utf8');
    const shown = [...page.matchAll(/<!-- (examples\/\S+) -->\n\n```ts\n([\s\S]*?)```/g)];
    expect(shown).toHaveLength(3);
    for (const [, path = '', code] of shown) expect(await readFile(join(ROOT, path), 'utf8')).toContain(code);
  });

  describe('render.ts', () => {
    let service: Service;
    let server: ChildProcess;
    let pages: Api;

    beforeAll(async () => {
      service = await Service.start({
        COOKIE_SAMESITE: 'lax',
        REFRESH_ALLOW_RELAY: 'true',
        // Without a grace period, a page server that drops a cookie fails at once.
        REFRESH_GRACE_PERIOD: '0s',
      });
      const port = await freePort();
      server = spawn(process.execPath, [join(folder, 'out/render.js')], {
        env: { PATH: process.env.PATH, PORT: String(port), AUTH_URL: `${service.origin}/auth` },
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      pages = new Api(`http://127.0.0.1:${port}`);
      const deadline = performance.now() + START_WITHIN_MS;
      while (!(await pages.send('GET', '/').catch(() => null))) {
        if (performance.now() > deadline) throw new Error('the page server did not start');
        await delay(50);
      }
    });

    afterAll(async () => {
      const gone = once(server, 'exit');
      server.kill();
      await gone;
      await service.dispose();
    });

    const page = (token?: string): Promise<Answer> => {
      const cookie = token === undefined ? '' : `${COOKIE}=${token}; ${COOKIE}_hint=1`;
      return pages.send('GET', '/', { headers: { accept: 'text/html', cookie } });
    };

    it('greets the user, and relays one new cookie for each page', async () => {
      const email = uniqueEmail();
      const session = await newSession(service.api(), { email, password: PASSWORD, transport: 'cookie' });
      let cookie = session.refreshToken;
      for (const generation of [1, 2, 3]) {
        const answer = await page(cookie);
        expect(answer.text).toContain(`Hello ${email}. Your sessions: 1.`);
        expect(answer.cookies.map(({ name }) => name)).toEqual(['refresh_token', 'refresh_token_hint']);
        expect(answer.cookie()?.attributes).toMatchObject({ samesite: 'Lax', httponly: '' });
        cookie = answer.cookie()!.value;
        expect(claimsOf(cookie).gen).toBe(generation);
      }
    });

    it('asks an unknown visitor to log in', async () => {
      const answer = await page();
      expect(answer.text).toContain('Please log in.');
    });

    it('renders without a user while the service is down, and keeps the cookie', async () => {
      const { refreshToken } = await newSession(service.api(), { transport: 'cookie' });
      await service.kill();
      const answer = await page(refreshToken);
      expect(answer.text).toContain('One moment');
      expect(answer.cookies).toEqual([]);
    });
  });
});
