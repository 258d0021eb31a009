import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = fileURLToPath(new URL('../../node_modules/@typescript/native/bin/tsc', import.meta.url));

/** Runs like `npm run bench`, with the library as built. */
async function bench(...args: string[]): Promise<string> {
  await run(process.execPath, [TSC, '-p', 'bench/tsconfig.build.json'], { cwd: ROOT });
  const { stdout } = await run(process.execPath, ['bench/dist/run.js', ...args], {
    cwd: ROOT,
    timeout: 110_000,
  });
  return stdout;
}

describe('npm run bench', () => {
  it('measures the requested figures and prints rows for machines', async () => {
    const report = JSON.parse(await bench('--quick', '--json', 'round-trips', 'revocation', 'storage'));

    expect(report).toMatchObject({
      machine: {
        node: process.version,
        cores: expect.any(Number),
        versions: { mongoose: expect.any(String) },
      },
      database: expect.stringMatching(/\S/),
      quick: true,
    });
    const goal = { atMost: expect.any(Number) };
    const rowOf = (name: string, figure: string) =>
      expect.objectContaining({
        bench: name,
        figure,
        measured: expect.any(Number),
        goal,
        met: expect.any(Boolean),
      });
    for (const adapter of ['express', 'fastify'])
      for (const figure of ['login', 'refresh', 'guarded request'])
        expect(report.rows).toContainEqual(rowOf('round-trips', `${figure}, ${adapter}`));
    for (const percent of [50, 99])
      for (const way of ['polling', 'change stream'])
        expect(report.rows).toContainEqual(
          expect.objectContaining({
            bench: 'revocation',
            figure: `p${percent}, ${way}`,
            measured: expect.any(Number),
          }),
        );
    for (const rotations of [0, 10, 20])
      for (const figure of [
        `after ${rotations} rotations`,
        `after ${rotations} rotations, longest user agent`,
      ])
        expect(report.rows).toContainEqual(rowOf('storage', figure));
  });

  it('refuses an unknown figure, and lists the known ones', async () => {
    await expect(bench('--quick', 'gaurd')).rejects.toThrow(
      /no such figure: gaurd; there are guard, refresh/,
    );
  });
});
