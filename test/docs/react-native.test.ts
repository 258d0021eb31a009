import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthServer, refusal } from '../../packages/client/test/support/auth-server.js';
import { expectRegistry, npm } from '../package/fresh-host.js';
import { snippetsOf, WrittenFiles } from '../support/compile.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BASE = 'https://api.example.com';
const INSTALLED_WITHIN_MS = 240_000;
const run = promisify(execFile);
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

/** The current minor version and the two before it. Before 0.86 AbortController was a package. */
const VERSIONS = ['0.88.1', '0.87.1', '0.86.3'];
/** What React Native makes global, and a tool that strips the types from its sources. */
const PACKAGES = ['abort-controller@3.0.0', 'whatwg-fetch@3.6.20', 'flow-remove-types@2.327.0'];

/** Sources of React Native, and what they need from its native side. */
const URLS = 'package/Libraries/Blob';
const WEB_APIS = 'package/src/private/webapis';
const NATIVE = {
  [`${URLS}/NativeBlobModule.js`]: 'export default null;',
  'package/src/private/featureflags/ReactNativeFeatureFlags.js':
    'export const enableNativeEventTargetEventDispatching = () => false;',
};

/** Set up as React Native does, on the XMLHttpRequest of jsdom. */
const GLOBALS = (abort: string) => `
import { JSDOM } from 'jsdom';
const { XMLHttpRequest } = new JSDOM('', { url: process.env.SERVER }).window;
for (const name of ['fetch', 'Headers', 'Request', 'Response', 'Blob', 'FormData', 'crypto', 'URL', 'AbortController',
  'AbortSignal', 'BroadcastChannel', 'navigator'])
  Reflect.deleteProperty(globalThis, name);
Object.assign(globalThis, { XMLHttpRequest }, require('./${URLS}/URL.js'), ${abort});
require('whatwg-fetch');
`;
const ABORT = `require('./${WEB_APIS}/dom/abort-api/AbortController.js'), {
  AbortSignal: require('./${WEB_APIS}/dom/abort-api/AbortSignal.js').AbortSignal_public }`;

const STORE = `
export const kept = new Map();
export const getItemAsync = async (key) => kept.get(key) ?? null;
export const setItemAsync = async (key, value) => void kept.set(key, value);
export const deleteItemAsync = async (key) => void kept.delete(key);
`;

const TYPES = `
declare module 'expo-secure-store' {
  export function getItemAsync(key: string): Promise<string | null>;
  export function setItemAsync(key: string, value: string): Promise<void>;
  export function deleteItemAsync(key: string): Promise<void>;
}
`;

let folder: string;
let files: WrittenFiles;
let snippet: string;
let server: AuthServer;
beforeAll(async () => {
  await expectRegistry('react-native');
  folder = await mkdtemp(join(tmpdir(), 'silent-auth-react-native-'));
  await writeFile(join(folder, 'package.json'), '{}');
  await npm(folder, 'install', '--prefer-offline', '--ignore-scripts', ...PACKAGES);
  snippet = snippetsOf(await read('docs/front-ends/react-native.md'), 'native')['auth.ts'] ?? '';
  files = await WrittenFiles.write({ 'auth.ts': snippet, 'expo.d.ts': TYPES });
}, INSTALLED_WITHIN_MS);
afterAll(async () => {
  await files.remove();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  server = await AuthServer.start();
});
afterEach(() => server.stop());

/** The package's own URL and web APIs as published, without their types. */
async function unpack(version: string, into: string): Promise<void> {
  await npm(folder, 'pack', `react-native@${version}`, '--prefer-offline', '--silent');
  const tarball = join(folder, `react-native-${version}.tgz`);
  await run('tar', ['-xzf', tarball, '-C', into, URLS, WEB_APIS]);
  const strip = createRequire(join(folder, 'package.json'))('flow-remove-types') as (
    code: string,
    options: object,
  ) => { toString(): string };
  for (const part of [URLS, WEB_APIS])
    for (const file of await readdir(join(into, part), { recursive: true })) {
      if (!file.endsWith('.js') || file.includes('__tests__')) continue;
      const path = join(into, part, file);
      await writeFile(path, strip(await readFile(path, 'utf8'), { all: true }).toString());
    }
  for (const [path, code] of Object.entries(NATIVE)) {
    await mkdir(dirname(join(into, path)), { recursive: true });
    await writeFile(join(into, path), code);
  }
}

describe('docs/front-ends/react-native.md', () => {
  it('shows code that compiles', async () => {
    expect(await files.compileErrors()).toBe('');
  });

  it.each(VERSIONS)('works with the globals of React Native %s', async (version) => {
    const app = join(folder, `app-${version}`);
    await mkdir(app);
    await unpack(version, app);
    const hasAbort = existsSync(join(app, WEB_APIS, 'dom/abort-api'));
    const written = {
      'globals.js': GLOBALS(hasAbort ? ABORT : "require('abort-controller')"),
      'expo-secure-store.js': STORE,
      'auth.ts': snippet.replace(BASE, server.origin),
      'main.ts': await read('test/fixtures/front-ends/react-native.ts'),
    };
    for (const [name, code] of Object.entries(written)) await writeFile(join(app, name), code);
    await run(join(ROOT, 'node_modules/.bin/esbuild'), [
      join(app, 'main.ts'),
      ...['--bundle', '--platform=node', '--external:jsdom', `--outfile=${join(app, 'main.cjs')}`],
      `--alias:nestjs-silent-auth-client=${join(ROOT, 'packages/client/src/index.ts')}`,
      `--alias:expo-secure-store=${join(app, 'expo-secure-store.js')}`,
    ]);
    server.answer('/api/orders?x=1', refusal(401, 'ACCESS_TOKEN_REVOKED'));
    const { stdout } = await run(process.execPath, [join(app, 'main.cjs')], {
      env: { ...process.env, SERVER: server.origin, NODE_PATH: join(ROOT, 'node_modules') },
    });
    expect(JSON.parse(stdout)).toEqual({
      isOldUrl: true,
      statuses: [200, 200],
      aborted: 'AbortError',
      trusted: [true, false, false, false, false],
      saved: ['s1.0'],
      status: 'signed-out',
      left: 0,
    });
    expect(server.count('/auth/refresh')).toBe(1);
    expect(server.count('/auth/logout')).toBe(1);
  });
});
