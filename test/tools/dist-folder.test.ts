import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { isFresh, renewDist } from '../../tools/dist-folder.mjs';

describe('dist', () => {
  let root: string;
  let builds: number;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'dist-folder-'));
    builds = 0;
    await put('src/index.ts', 'one');
    await put('package.json', '{}');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  async function put(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }

  const built = async (path: string) => readFile(join(root, 'dist', path), 'utf8');
  const names = async () => (await readdir(root)).sort();
  /** Copies the sources, as a compiler would. */
  const compile = async (out: string) => {
    builds += 1;
    for (const name of await readdir(join(root, 'src'))) {
      await mkdir(join(out, 'app'), { recursive: true });
      await writeFile(join(out, 'app', name), await readFile(join(root, 'src', name)));
    }
  };
  const renewIfStale = () => renewDist(root, compile, { unlessFresh: true });

  it('is built where it is absent, and left alone while nothing has changed', async () => {
    expect(isFresh(root)).toBe(false);
    await renewIfStale();
    await renewIfStale();
    expect([builds, isFresh(root), await built('app/index.ts')]).toEqual([1, true, 'one']);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a source is changed', () => put('src/index.ts', 'two')],
    ['a source comes', () => put('src/other.ts', 'more')],
    ['a source goes', () => rm(join(root, 'src/index.ts'))],
    ['a source is renamed', () => rename(join(root, 'src/index.ts'), join(root, 'src/main.ts'))],
    ['a dependency is changed', () => put('package.json', '{"version":"2"}')],
    ['it was deleted', () => rm(join(root, 'dist'), { recursive: true })],
  ])('is built again when %s', async (_case, change) => {
    await renewIfStale();
    await change();
    expect(isFresh(root)).toBe(false);
    await renewIfStale();
    expect([builds, isFresh(root)]).toEqual([2, true]);
    const sources = await readdir(join(root, 'src'));
    expect((await readdir(join(root, 'dist/app'))).filter((name) => !name.startsWith('.'))).toEqual(sources);
    expect(await names()).toEqual(['dist', 'package.json', 'src']);
  });

  it('is built again, asked or not, by a build that is asked for', async () => {
    await renewIfStale();
    await renewDist(root, compile);
    expect(builds).toBe(2);
  });

  it('stays as it is where a build fails, and is stale still', async () => {
    await renewIfStale();
    await put('src/index.ts', 'two');
    const broken = async (out: string) => {
      await compile(out);
      throw new Error('does not compile');
    };
    await expect(renewDist(root, broken)).rejects.toThrow('does not compile');
    expect([await built('app/index.ts'), isFresh(root)]).toEqual(['one', false]);
    expect(await names()).toEqual(['dist', 'package.json', 'src']);
  });

  /** A process that does nothing, and ends with its input. */
  const otherProcess = () =>
    spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });

  it('is built without what killed builds have left, and without harm to one that runs at the same time', async () => {
    const [running, killed] = [otherProcess(), otherProcess()];
    try {
      const exited = once(killed, 'exit');
      killed.kill('SIGKILL');
      await exited;
      const folderOf = (pid: number | undefined) => `.building-${hostname()}@${pid}-abcdef`;
      const left = [folderOf(killed.pid), folderOf(running.pid), '.building-elsewhere@1-abcdef'];
      for (const name of left) await put(join(name, 'app/half.js'), 'half');
      await renewDist(root, compile);
      expect(await names()).toEqual([...left.slice(1), 'dist', 'package.json', 'src'].sort());
      expect(await readFile(join(root, folderOf(running.pid), 'app/half.js'), 'utf8')).toBe('half');
    } finally {
      running.stdin?.end();
    }
  });

  it('is built in a folder that says whose it is', async () => {
    let folder = '';
    await renewDist(root, async (out) => {
      folder = basename(out);
      await renewDist(root, compile);
      await compile(out);
    });
    expect(folder).toMatch(new RegExp(`^\\.building-${hostname()}@${process.pid}-`));
  });

  it('is stale where a source was changed while it was built', async () => {
    await renewDist(root, async (out) => {
      await compile(out);
      await put('src/index.ts', 'two');
    });
    expect(isFresh(root)).toBe(false);
  });

  it('of two at once that find it stale the second leaves what the first has made, and who runs from it, in peace', async () => {
    let first = Promise.resolve();
    await renewDist(
      root,
      async (out) => {
        first = renewIfStale();
        await first;
        await compile(out);
        await writeFile(join(out, 'app', 'second.ts'), '');
      },
      { unlessFresh: true },
    );
    expect(builds).toBe(2);
    await expect(built('app/second.ts')).rejects.toThrow('ENOENT');
    expect([isFresh(root), await names()]).toEqual([true, ['dist', 'package.json', 'src']]);
  });

  it('misses no file for a moment while it is renewed: a service that runs from it finds what it loads late', async () => {
    for (let index = 0; index < 50; index += 1) await put(`src/${index}.ts`, `export const it = ${index};`);
    await renewIfStale();
    const folder = join(root, 'dist/app');
    const counts = new SharedArrayBuffer(12);
    const [READS, MISSES, STOP] = [0, 1, 2];
    const counter = new Int32Array(counts);
    const reader = `
      const { counts, folder } = require('node:worker_threads').workerData;
      const { readFileSync } = require('node:fs');
      const counter = new Int32Array(counts);
      while (Atomics.load(counter, ${STOP}) === 0)
        for (let index = 0; index < 50; index += 1) {
          try { readFileSync(folder + '/' + index + '.ts'); } catch { Atomics.add(counter, ${MISSES}, 1); }
          Atomics.add(counter, ${READS}, 1);
          Atomics.notify(counter, ${READS});
        }`;
    const worker = new Worker(reader, { eval: true, workerData: { counts, folder } });
    try {
      for (let round = 0; round < 10; round += 1) {
        const before = Atomics.load(counter, READS);
        await renewDist(root, compile);
        // It reads on while this process waits: each round has seen readings.
        while (Atomics.load(counter, READS) < before + 50)
          await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      Atomics.store(counter, STOP, 1);
      await new Promise((resolve) => worker.once('exit', resolve));
    }
    expect(Atomics.load(counter, READS)).toBeGreaterThan(500);
    expect(Atomics.load(counter, MISSES)).toBe(0);
  });
});

describe('the commands that run from dist', () => {
  it('need no compiler where it is fresh: dependencies of development may be gone', async () => {
    const root = await mkdtemp(join(tmpdir(), 'dist-folder-'));
    try {
      await cp('tools', join(root, 'tools'), { recursive: true });
      await renewDist(root, (out) => writeFileSync(join(out, 'index.js'), ''));
      const build = spawn(process.execPath, [join(root, 'tools/build.mjs'), '--if-stale'], {
        stdio: 'inherit',
      });
      expect(await once(build, 'exit')).toEqual([0, null]);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });

  it('build it only where it is stale; npm run build, and the tests, always', async () => {
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
    const before = (name: string) => scripts[`pre${name}`];
    expect(['start', 'doctor', 'report', 'keys'].map(before)).toEqual(
      Array.from({ length: 4 }, () => 'node tools/build.mjs --if-stale'),
    );
    expect(scripts.build).toBe('node tools/build.mjs');
  });
});
