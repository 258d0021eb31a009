// `npm run fuzz [-- target… --seconds n]`: searches for inputs that break a target of test/fuzz/targets, guided by
// the branches that each input takes. Interesting inputs and findings are kept in reports/fuzz/<target>. With
// `--coverage` it only runs the existing inputs, and reports which lines they reach.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const fuzzer = fileURLToPath(import.meta.resolve('@jazzer.js/core/dist/cli.js'));

/** Node's limit for the headers of a request, and this library's limit for a body. */
const MAX_INPUT_BYTES = 16_384;
const MAX_INPUT_SECONDS = 5;
const MAX_MEMORY_MB = 2048;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, coverage: { type: 'boolean', default: false } },
});
const targets = readdirSync(join(root, 'test/fuzz/targets')).map((file) => file.replace(/\.ts$/, ''));
const names = positionals.length > 0 ? positionals : targets;
for (const name of names)
  if (!targets.includes(name)) throw new Error(`no target ${name}; there are: ${targets.join(', ')}`);
const seconds = Number(flags.seconds);
if (!Number.isInteger(seconds) || seconds < 1) throw new Error('--seconds takes a whole number from 1');

await import('@jazzer.js/core').catch((cause) => {
  throw new Error(
    'the fuzzer has a binary for Linux with glibc 2.38 or later, for macOS, and for Windows on x64',
    { cause },
  );
});

const failed = [];
for (const name of names) if (!(await fuzz(name))) failed.push(name);
if (failed.length > 0) {
  process.stderr.write(
    `Failed: ${failed.join(', ')}. The input is in reports/fuzz/<target>: copy it to test/fuzz/corpus/<target>.\n`,
  );
  process.exitCode = 1;
}

async function fuzz(name) {
  const reports = join(root, 'reports/fuzz', name);
  const found = join(reports, 'corpus');
  mkdirSync(found, { recursive: true });
  const target = join(reports, 'target.cjs');
  await compile(name, target);
  const dictionary = join(root, 'test/fuzz/dictionaries', name);
  const engine = [
    `-max_total_time=${seconds}`,
    `-max_len=${MAX_INPUT_BYTES}`,
    `-timeout=${MAX_INPUT_SECONDS}`,
    `-rss_limit_mb=${MAX_MEMORY_MB}`,
    `-artifact_prefix=${reports}/`,
    '-print_final_stats=1',
    ...(existsSync(dictionary) ? [`-dict=${dictionary}`] : []),
  ];
  const coverage = ['--mode=regression', '--coverage', `--coverageDirectory=${reports}/coverage`];
  const child = spawn(
    process.execPath,
    [
      ...[fuzzer, target, found, join(root, 'test/fuzz/corpus', name)],
      ...['dist/cjs/', 'packages/embedded-mongo/dist/cjs/'].flatMap((each) => ['-i', join(root, each)]),
      ...(flags.coverage ? coverage : []),
      ...(isAsync(name) ? [] : ['--sync']),
      '--',
      ...engine,
    ],
    { cwd: root, stdio: 'inherit' },
  );
  const [code] = await once(child, 'exit');
  return code === 0;
}

/** The fuzzer calls a target without promises twice as fast. */
function isAsync(name) {
  return readFileSync(sourceOf(name), 'utf8').includes('export async function fuzz');
}

function sourceOf(name) {
  return join(root, 'test/fuzz/targets', `${name}.ts`);
}

/** Only the target is bundled: it imports the build that it tests. */
async function compile(name, outfile) {
  await build({
    entryPoints: [sourceOf(name)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
    logLevel: 'warning',
    plugins: [
      { name: 'sources', setup: (setup) => setup.onResolve({ filter: /^\.\..*\/src\/.*\.js$/ }, built) },
    ],
  });
}

function built({ path, resolveDir }) {
  const source = relative(root, join(resolveDir, path));
  return { path: join(root, source.replace(/(?<=^|\/)src\//, 'dist/cjs/')), external: true };
}
