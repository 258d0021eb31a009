import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { databaseUri } from '../support/database.js';
import {
  Browser,
  COOKIE,
  expectAccessRevoked,
  expectError,
  PASSWORD,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';
import { expectRegistry, FreshHost, hostsRoot, pack, type Tarball } from './fresh-host.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SECURE_COOKIE = `__Host-${COOKIE}`;
const INSTALL_WITHIN_MS = 180_000;
/** The compiler reads every declaration of Nest and Mongoose; on a busy machine that takes a while. */
const COMPILED_AND_CALLED_WITHIN_MS = 120_000;
/** Packages of which a second copy would be another framework, or another pool of connections, in one process. */
const SHARED = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/event-emitter',
  '@nestjs/mongoose',
  'mongodb',
  'mongoose',
  'reflect-metadata',
  'rxjs',
];

const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
const { name, devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));

/** What a Nest application has before it meets the library, and the versions of what the README adds. */
interface Generation {
  readonly nest: Record<string, string>;
  readonly added: Record<string, string>;
}

const pick = (names: string[]): Record<string, string> =>
  Object.fromEntries(names.map((key) => [key, devDependencies[key]]));

const NEST_12: Generation = {
  nest: pick([
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/platform-express',
    '@types/node',
    'reflect-metadata',
    'rxjs',
  ]),
  added: pick(['@nestjs/event-emitter', '@nestjs/mongoose', 'mongoose']),
};
const NEST_11: Generation = {
  nest: {
    ...NEST_12.nest,
    '@nestjs/common': '11.2.10',
    '@nestjs/core': '11.2.10',
    '@nestjs/platform-express': '11.2.10',
  },
  added: { '@nestjs/event-emitter': '3.1.0', '@nestjs/mongoose': '11.0.4', mongoose: '8.24.10' },
};

/** The packages of the README's `npm install`: the library from its tarball, the others at the given versions. */
function installCommand(tarball: Tarball, versions: Record<string, string>): string[] {
  const names = new RegExp(`^npm install (${name} .*)$`, 'm').exec(readme)?.[1]?.split(' ') ?? [];
  expect(names.filter((each) => each !== name).sort()).toEqual(Object.keys(versions).sort());
  return names.map((each) => (each === name ? tarball.path : `${each}@${versions[each]}`));
}

const snippet = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';

describe('the packed library', () => {
  let root: string;
  let tarball: Tarball;

  beforeAll(async () => {
    root = await hostsRoot();
    await expectRegistry('@nestjs/core');
    tarball = await pack(root);
    const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
    process.stderr.write(
      `Package: ${kB(tarball.packedBytes)} packed, ${kB(tarball.unpackedBytes)} unpacked, ${tarball.files.length} files\n`,
    );
  }, INSTALL_WITHIN_MS);

  afterAll(() => rm(root, { recursive: true, force: true }));

  it('holds the library with its declarations, and neither service, development database, tests nor sources', () => {
    const { files } = tarball;
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts']),
    );
    const parts = ['dist/audit/report-page/page.js', 'dist/audit/report-page/page.css'];
    expect(files).toEqual(expect.arrayContaining(parts));
    const others = files.filter((file) => !['LICENSE', 'README.md', 'package.json', ...parts].includes(file));
    expect(others.filter((file) => !/^dist\/[\w./-]+\.(js|d\.ts)$/.test(file))).toEqual([]);
    expect(others.filter((file) => /^dist\/(app|embedded-mongo)\/|\.test\./.test(file))).toEqual([]);
    const missing = others
      .filter((file) => file.endsWith('.js'))
      .filter((file) => !files.includes(file.replace(/\.js$/, '.d.ts')));
    expect(missing).toEqual([]);
  });

  describe.each([
    ['an ESM application on NestJS 12', 'module', NEST_12],
    ['a CommonJS application on NestJS 12', 'commonjs', NEST_12],
    ['a CommonJS application on NestJS 11 with Mongoose 8', 'commonjs', NEST_11],
  ] as const)('in %s', (title, type, { nest, added }) => {
    let host: FreshHost;

    beforeAll(async () => {
      const folder = join(root, title.replaceAll(/\W+/g, '-'));
      host = await FreshHost.install(folder, type, nest, installCommand(tarball, added));
    }, INSTALL_WITHIN_MS);

    afterAll(() => host.remove());

    it('shares the copies of Nest and Mongoose that the application has', async () => {
      expect(await host.copiesOf(...SHARED)).toEqual(SHARED);
    });

    it('loads the client where there is no DOM, and makes one for each request', async () => {
      const code =
        "createAuthClient({ baseUrl: '/auth' }).getState().status + typeof attachToAxios + typeof document";
      const imports = '{ createAuthClient, attachToAxios }';
      expect(
        await host.evaluate(`import ${imports} from '${name}/client'; console.log(${code})`, 'module'),
      ).toBe('unknownfunctionundefined\n');
      expect(
        await host.evaluate(`const ${imports} = require('${name}/client'); console.log(${code})`, 'commonjs'),
      ).toBe('unknownfunctionundefined\n');
    });

    it(
      "boots the README's application and serves a session from registration to logout",
      async () => {
        expect(await host.compile(snippet)).toBe('');
        await host.start({
          MONGODB_URI: databaseUri('package'),
          JWT_ACCESS_KEY: randomBytes(48).toString('base64url'),
          JWT_REFRESH_KEY: randomBytes(48).toString('base64url'),
        });
        const browser = new Browser(host.origin);
        const credentials = { email: uniqueEmail('package'), password: PASSWORD };

        expect((await browser.register(credentials)).status).toBe(201);
        const session = sessionOf(await browser.login(credentials));
        expect((await browser.me(session.accessToken)).json).toMatchObject({ email: credentials.email });
        const orders = await browser.send('GET', '/orders', { token: session.accessToken });
        expect(orders.json).toEqual({ ordersOf: session.userId });
        expectError(
          await browser.send('POST', '/orders/approve', { token: session.accessToken }),
          403,
          'FORBIDDEN',
        );

        const next = sessionOf(await browser.send('POST', '/auth/refresh'));
        expect(next).toMatchObject({ id: session.id, userId: session.userId });
        expect(next.refreshToken).not.toBe(session.refreshToken);
        expect(browser.jar.get(SECURE_COOKIE)).toBe(next.refreshToken);
        expect((await browser.me(next.accessToken)).status).toBe(200);

        expect((await browser.logout({ token: next.accessToken })).status).toBe(204);
        expect(browser.jar.has(SECURE_COOKIE)).toBe(false);
        await expectAccessRevoked(browser, next.accessToken);
        const late = await new Browser(host.origin).send('POST', '/auth/refresh', {
          headers: { cookie: `${SECURE_COOKIE}=${next.refreshToken}` },
        });
        expectError(late, 401, 'SESSION_REVOKED');
      },
      COMPILED_AND_CALLED_WITHIN_MS,
    );
  });
});
