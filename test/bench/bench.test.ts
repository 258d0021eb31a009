import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = fileURLToPath(new URL('../../node_modules/@typescript/native/bin/tsc', import.meta.url));

/** A run takes a minute on an idle machine; a busy one takes its time. */
const PATIENCE_MS = 300_000;

/** Runs like `npm run bench`, with the library as built. */
async function bench(...args: string[]): Promise<string> {
  return benchWith(process.env, ...args);
}

async function benchWith(env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ['bench/dist/run.js', ...args], {
    cwd: ROOT,
    env,
    timeout: PATIENCE_MS - 10_000,
  });
  return stdout;
}

describe('npm run bench', () => {
  beforeAll(async () => {
    await run(process.execPath, [TSC, '-p', 'bench/tsconfig.build.json'], { cwd: ROOT });
  });

  it(
    'measures the requested figures and prints rows for machines',
    async () => {
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
    },
    PATIENCE_MS,
  );

  it('refuses an unknown figure, and lists the known ones', async () => {
    await expect(bench('--quick', 'gaurd')).rejects.toThrow(
      /no such figure: gaurd; there are guard, refresh/,
    );
  });

  it('refuses an unknown peer, and lists the known ones', async () => {
    await expect(bench('--quick', 'peers', '--peer', 'nobody')).rejects.toThrow(
      /no such peer: nobody; there are service, textbook-express/,
    );
  });

  it(
    'measures a peer beside the library, and says of one that cannot run here why',
    async () => {
      const only = ['--peer', 'textbook-fastify', '--peer', 'bymax-nest-auth'];
      // On this path there is no Redis, so nothing is installed either.
      const env = { ...process.env, PATH: '/nowhere' };
      const { rows } = JSON.parse(
        await benchWith(env, '--quick', '--json', 'peers', 'peer-scenarios', ...only),
      );

      const rowOf = (name: string, figure: string, fields: object) =>
        expect.objectContaining({ bench: name, figure, ...fields });
      const number = expect.any(Number);
      for (const request of ['refresh', 'guarded request']) {
        expect(rows).toContainEqual(
          rowOf('peers', `${request}, Silent Auth, Fastify`, { measured: number, unit: '/s' }),
        );
        const textbook = { measured: number, unit: '×', goal: null };
        expect(rows).toContainEqual(rowOf('peers', `${request}, passport-jwt tutorial, Fastify`, textbook));
      }
      const why = { measured: null, details: 'this machine has no redis-server' };
      expect(rows).toContainEqual(rowOf('peers', 'not measured: @bymax-one/nest-auth', why));
      expect(rows).toContainEqual(rowOf('peer-scenarios', 'not played: @bymax-one/nest-auth', why));

      const seen = (scenario: string, peer: string) =>
        rows.find(({ figure }: { figure: string }) => figure === `${scenario}: ${peer}`)?.details;
      const [product, tutorial] = ['Silent Auth, Fastify', 'passport-jwt tutorial, Fastify'];
      expect(seen('two refreshes at once', product)).toBe('10 × 200/200 with 1 token, then 200/200');
      expect(seen('64 refreshes at once', product)).toBe('64 × 200 with 1 token, then 200');
      expect(seen('the access token after a logout', product)).toBe('200 before, 401 after');
      expect(seen('the access token after a logout', tutorial)).toBe('200 before, 200 after');
      expect(seen('a thief replays the old token', tutorial)).toBe(
        'thief 401; owner: access 200, refresh 200',
      );
    },
    PATIENCE_MS,
  );
});
