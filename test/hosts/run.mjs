// `npm run test:hosts [name of a row, or part of some]…`: the packed packages in the applications that people have.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packAll } from './layout.mjs';
import { ROWS } from './rows.mjs';
import { Workshop } from './workshop.mjs';

const wanted = process.argv.slice(2);
const isOne = (part) => ROWS.some(({ name }) => name === part);
const isAskedFor = ({ name }) => wanted.some((part) => (isOne(part) ? name === part : name.includes(part)));
const rows = ROWS.filter((row) => wanted.length === 0 || isAskedFor(row));
if (rows.length === 0) {
  console.error(`No row has such a name; there are ${ROWS.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}

const root = await mkdtemp(join(tmpdir(), 'silent-auth-hosts-'));
const workshop = new Workshop(root, await packAll(root));
const failed = [];
const shown = new Set();
for (const { name, steps } of rows) {
  console.log(name);
  for (const [step, perform] of Object.entries(steps)) {
    const start = performance.now();
    const error = await perform(workshop).then(
      () => null,
      (reason) => reason,
    );
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`  ${error ? 'FAIL' : 'pass'}  ${step} (${seconds} s)`);
    if (!error) continue;
    failed.push(`${name}: ${step}`);
    // Steps that share a host fail with the same error, which is shown once.
    if (!shown.has(error)) console.log(error.message.replaceAll(/^/gm, '        '));
    shown.add(error);
  }
}

const steps = rows.reduce((sum, row) => sum + Object.keys(row.steps).length, 0);
console.log(`\n${steps - failed.length} of ${steps} steps pass, in ${rows.length} of ${ROWS.length} rows`);
if (failed.length > 0) {
  console.log(`Failed:\n${failed.map((each) => `  ${each}`).join('\n')}\nThe hosts are in ${root}`);
  process.exitCode = 1;
} else {
  await rm(root, { recursive: true, force: true });
}
