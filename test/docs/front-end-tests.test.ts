import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectRegistry, npm, pack } from '../package/fresh-host.js';
import { snippetsOf } from '../support/compile.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The newest versions that run on Node 20. */
const PACKAGES = [
  ...['vitest@4.1.12', 'vite@8.3.8', 'jsdom@26.1.0', 'msw@2.15.0', '@jest/globals@30.5.2'],
  ...['jest-environment-jsdom@30.5.2', 'jest-fixed-jsdom@0.0.11'],
];
const INSTALLED_WITHIN_MS = 240_000;
const run = promisify(execFile);

/** An adopter's front end, with the packed client. */
let folder: string;
beforeAll(async () => {
  await expectRegistry('vitest');
  folder = await mkdtemp(join(tmpdir(), 'silent-auth-front-end-'));
  const { path } = await pack('packages/client', folder);
  await mkdir(join(folder, 'src'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  await npm(folder, 'install', '--prefer-offline', '--ignore-scripts', path, ...PACKAGES);
  const page = await readFile(join(ROOT, 'docs/front-ends/testing.md'), 'utf8');
  for (const [name, code] of Object.entries(snippetsOf(page, 'testing')))
    await writeFile(join(folder, 'src', name), code);
}, INSTALLED_WITHIN_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The output of both streams, whether or not the command succeeds. */
const outputOf = async (...parameters: string[]): Promise<string> => {
  const ended = await run(process.execPath, parameters, { cwd: folder, env: ENVIRONMENT }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return ended.stdout + ended.stderr;
};
const ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME, CI: 'true', NO_COLOR: '1' };

describe('docs/front-ends/testing.md', () => {
  it('shows tests that pass with Vitest', async () => {
    const output = await outputOf('node_modules/vitest/vitest.mjs', 'run', '--environment', 'jsdom');
    expect(output).toMatch(/Tests +3 passed \(3\)/);
  });

  it('shows tests that compile, and pass with Jest', async () => {
    const test = join(folder, 'src/orders.test.ts');
    const code = await readFile(test, 'utf8');
    await writeFile(test, code.replace("'vitest'; // Jest: '@jest/globals'", "'@jest/globals';"));
    const compilerOptions = {
      ...{ module: 'nodenext', target: 'es2023', lib: ['ES2023', 'DOM'], types: [], strict: true },
      ...{ skipLibCheck: true, rootDir: 'src', outDir: 'out' },
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    expect(await outputOf(join(ROOT, 'node_modules/.bin/tsc'))).toBe('');
    const configuration = { roots: ['<rootDir>/out'], testEnvironment: 'jest-fixed-jsdom', transform: {} };
    const output = await outputOf(
      ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
      ...[join(ROOT, 'node_modules/jest/bin/jest.js'), `--config=${JSON.stringify(configuration)}`],
      ...['--rootDir', folder],
    );
    expect(output).toMatch(/Tests: +3 passed, 3 total/);
  });
});
