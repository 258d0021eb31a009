import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
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
/** Packages of which a second copy would be another framework, or another connection pool, in the process. */
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

/** What a Nest application has before it adds the library, and the versions of what the README adds. */
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
  added: {
    '@nestjs/event-emitter': '3.1.0',
    '@nestjs/jwt': '11.0.2',
    '@nestjs/mongoose': '11.0.4',
    '@nestjs/passport': '11.0.5',
    mongoose: '8.24.10',
  },
};

/** The packages of the README's `npm install`: the library from its tarball, the others at the given versions. */
function installCommand(tarball: Tarball, { added }: Generation, client: Tarball): string[] {
  const lines = [...readme.matchAll(new RegExp(`^npm install (${name} .*)$`, 'gm'))].map(([, names]) =>
    (names ?? '').split(' ').map((each) => each.replace(/(.)@.*/, '$1')),
  );
  const names = lines.find((line) => line.includes('@nestjs/jwt') === '@nestjs/jwt' in added) ?? [];
  expect(names.filter((each) => each !== name).sort()).toEqual(Object.keys(added).sort());
  return [client.path, ...names.map((each) => (each === name ? tarball.path : `${each}@${added[each]}`))];
}

/** The application in one file; the first block is the newcomer’s, on the embedded database. */
const startingPage = await readFile(join(ROOT, 'docs/getting-started.md'), 'utf8');
const snippet =
  [...startingPage.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, code = '']) => code)
    .find((code) => code.includes('bootstrap')) ?? '';

describe('the packed library', () => {
  let root: string;
  let tarball: Tarball;
  let client: Tarball;

  beforeAll(async () => {
    root = await hostsRoot();
    await expectRegistry('@nestjs/core');
    tarball = await pack('.', root);
    client = await pack('packages/client', root);
    const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
    process.stderr.write(
      `Package: ${kB(tarball.packedBytes)} packed, ${kB(tarball.unpackedBytes)} unpacked, ${tarball.files.length} files\n`,
    );
  }, INSTALL_WITHIN_MS);

  afterAll(() => rm(root, { recursive: true, force: true }));

  it('contains the library with its declarations, in both module formats, and neither tests nor sources', () => {
    const { files } = tarball;
    const both = ['dist/index.js', 'dist/index.d.ts', 'dist/cjs/index.js', 'dist/cjs/index.d.ts'];
    const extras = ['LICENSE', 'README.md', 'README.zh-CN.md', 'package.json', 'dist/cjs/package.json'];
    expect(files).toEqual(expect.arrayContaining([...both, ...extras]));
    const others = files.filter((file) => !extras.includes(file));
    expect(others.filter((file) => !/^dist\/[\w./-]+\.(js|d\.ts)$/.test(file))).toEqual([]);
    expect(others.filter((file) => file.includes('.test.'))).toEqual([]);
    const missing = others
      .filter((file) => file.endsWith('.js'))
      .filter((file) => !files.includes(file.replace(/\.js$/, '.d.ts')));
    expect(missing).toEqual([]);
  });

  describe.each([
    ['an ESM application on NestJS 12', 'module', NEST_12],
    ['a CommonJS application on NestJS 12', 'commonjs', NEST_12],
    ['a CommonJS application on NestJS 11 with Mongoose 8', 'commonjs', NEST_11],
  ] as const)('in %s', (title, type, generation) => {
    let host: FreshHost;

    beforeAll(async () => {
      const folder = join(root, title.replaceAll(/\W+/g, '-'));
      const command = installCommand(tarball, generation, client);
      host = await FreshHost.install(folder, type, generation.nest, command);
    }, INSTALL_WITHIN_MS);

    afterAll(() => host.remove());

    it("shares the application's copies of Nest and Mongoose", async () => {
      expect(await host.copiesOf(...SHARED)).toEqual(SHARED);
    });

    it('loads the client without a DOM, and creates one for each request', async () => {
      const code =
        "createAuthClient({ baseUrl: '/auth' }).getState().status + typeof attachToAxios + typeof document";
      const imported = `import { createAuthClient } from '${name}-client'; import { attachToAxios } from '${name}-client/axios';`;
      expect(await host.evaluate(`${imported} console.log(${code})`, 'module')).toBe(
        'unknownfunctionundefined\n',
      );
      const required = `const { createAuthClient } = require('${name}-client'); const { attachToAxios } = require('${name}-client/axios');`;
      expect(await host.evaluate(`${required} console.log(${code})`, 'commonjs')).toBe(
        'unknownfunctionundefined\n',
      );
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
