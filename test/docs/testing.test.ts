import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Config } from 'jest';
// @ts-expect-error -- a configuration in JavaScript
import given from '../../jest.config.js';

const config: Config = given;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('docs/testing.md', () => {
  let folder: string;
  let names: string[];

  beforeAll(async () => {
    const document = await readFile(join(ROOT, 'docs/testing.md'), 'utf8');
    const snippets = [...document.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)];
    names = snippets.map(([, name = '']) => name);
    folder = await mkdtemp(join(ROOT, 'test/docs/running-'));
    await mkdir(join(folder, 'src'));
    for (const [, name = '', code = ''] of snippets) await writeFile(join(folder, 'src', name), code);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('shows an application, its helper and tests of each kind', () => {
    expect(names).toEqual([
      'app.module.ts',
      'testing-app.ts',
      'orders.e2e.test.ts',
      'orders.controller.test.ts',
      'session.e2e.test.ts',
      'matchers.d.ts',
    ]);
  });

  it('compiles', async () => {
    const settings = {
      extends: '../../../tsconfig.json',
      // As in a host, where the globals of Jest come from @types/jest.
      files: ['globals.d.ts'],
      include: ['src'],
    };
    await writeFile(join(folder, 'globals.d.ts'), GLOBALS);
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    const compiled = promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]);
    const { stdout } = await compiled.catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });

  it('runs, and each of its tests passes', async () => {
    const { reporters: _, globalSetup: _setup, globalTeardown: _teardown, ...jest } = config;
    const mapped = Object.entries(jest.moduleNameMapper ?? {}).map(([name, path]) => [
      name,
      String(path).replace('<rootDir>', ROOT),
    ]);
    const settings = {
      ...jest,
      rootDir: folder,
      roots: [folder],
      moduleNameMapper: Object.fromEntries(mapped),
    };
    const path = join(folder, 'jest.config.json');
    await writeFile(path, JSON.stringify({ ...settings, testTimeout: 60_000 }));
    const bin = join(ROOT, 'node_modules/jest/bin/jest.js');
    const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const run = promisify(execFile)(process.execPath, [...flags, bin, '--config', path, '--runInBand'], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, CI: 'true' },
    });
    const { stderr } = await run.catch((error: { stderr: string }) => error);
    expect(stderr).toMatch(/Tests: +8 passed, 8 total/);
  });
});

const GLOBALS = `
import type { Matchers as JestMatchers } from '@jest/expect';
declare global {
  namespace jest { interface Matchers<R> { readonly result?: R } }
  const describe: typeof import('@jest/globals').describe;
  const it: typeof import('@jest/globals').it;
  const beforeAll: typeof import('@jest/globals').beforeAll;
  const afterAll: typeof import('@jest/globals').afterAll;
  const expect: (<T>(actual: T) => JestMatchers<void, T> & jest.Matchers<void> & { readonly rejects: JestMatchers<Promise<void>, T> }) & Omit<typeof import('@jest/globals').expect, never>;
}
`;
