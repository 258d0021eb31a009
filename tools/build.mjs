// `npm run build`, and with `--if-stale` what a command that runs from dist does first: nothing, where dist is what the
// sources would give. Never under the feet of a service that runs from it; see dist-folder.mjs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { renewDist } from './dist-folder.mjs';

const { values: flags } = parseArgs({ options: { 'if-stale': { type: 'boolean', default: false } } });
const root = fileURLToPath(new URL('..', import.meta.url));

/** Pages are what they are made of, but for what is compiled. */
const isServedAsIs = (path) => !/\.(ts|json)$/.test(path);

async function build(out) {
  const compiler = createRequire(import.meta.url).resolve('@typescript/native/package.json');
  const tsc = join(dirname(compiler), 'bin/tsc');
  await run(tsc, '-p', 'tsconfig.build.json', '--outDir', out);
  await run(tsc, '-p', 'src/client', '--outDir', join(out, 'client'));
  await run('src/audit/report-page/page/build.mjs', join(out, 'audit/report-page'));
  await run(tsc, '-p', 'src/app/pages', '--outDir', out);
  cpSync(join(root, 'src/app/pages'), join(out, 'app/pages'), { recursive: true, filter: isServedAsIs });
}

async function run(...command) {
  const child = spawn(process.execPath, command, { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`failed: ${command.join(' ')}`);
}

// The signal reaches the compiler as well: it fails, and what is half built is cleared away.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
await renewDist(root, build, { unlessFresh: flags['if-stale'] }).catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
