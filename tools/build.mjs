// Builds the library, its packages, the reference service and its pages. Each package has its own `dist`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = createRequire(import.meta.url).resolve('@typescript/native/package.json');
const tsc = join(dirname(compiler), 'bin/tsc');

/** The published packages, built as ES modules and as CommonJS. */
const MODULES = ['.', 'packages/client', 'packages/embedded-mongo'];

async function run(...command) {
  const child = spawn(process.execPath, command, { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) process.exit(code ?? 1);
}

// The report page's script becomes a module of the library, so it is built before the compiler runs.
await run('src/audit/report/html/browser/build.mjs');
await run(tsc, '--build', 'tsconfig.build.json', 'packages/client', 'packages/embedded-mongo');
await run(tsc, '--build', ...MODULES.map((folder) => `${folder}/tsconfig.cjs.json`));
for (const folder of MODULES) {
  const cjs = join(root, folder, 'dist/cjs');
  mkdirSync(cjs, { recursive: true });
  writeFileSync(join(cjs, 'package.json'), '{ "type": "commonjs" }\n');
}
// The service imports the library by its name, as a host does, so it is compiled after it.
await run(tsc, '--build', 'apps/service');
await run('apps/service/pages/build.mjs');
