// `npm run proof`: the proof suite with more stories than `npm test` plays, and its table; `--write` makes docs/proof.md
// of it. The database: TEST_MONGODB_URI or MONGODB_URI, else what the tests choose.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false }, seed: { type: 'string' } },
});
/** Stories over processes; half as many under faults, and a hundred times as many of the core. */
const runs = Number(positionals[0] ?? process.env.PROOF_RUNS ?? 300);
if (!Number.isInteger(runs) || runs < 1)
  throw new Error('npm run proof -- [stories over processes] [--write]');

const folder = mkdtempSync(join(tmpdir(), 'proof-'));
const report = join(folder, 'report.json');
const { MONGODB_URI, TEST_MONGODB_URI = MONGODB_URI, ...environment } = process.env;
const env = {
  ...environment,
  ...(TEST_MONGODB_URI ? { TEST_MONGODB_URI } : {}),
  PROOF_SEED: flags.seed ?? String(Date.now() % 2 ** 31),
  PROOF_CORE_RUNS: String(100 * runs),
  PROOF_PROCESS_RUNS: String(runs),
  PROOF_FAULT_RUNS: String(Math.ceil(runs / 2)),
  PROOF_REPORT: report,
};
const load = loadavg()[0] ?? 0;
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const { status } = spawnSync(
  process.execPath,
  [...jest, join(ROOT, 'node_modules/jest/bin/jest.js'), '--runInBand', 'test/race/proof.test.ts'],
  { cwd: ROOT, env, stdio: 'inherit' },
);
try {
  if (flags.write) await write(JSON.parse(readFileSync(report, 'utf8')));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = status ?? 1;

async function write({ table, database, faults, failures, graceMs }) {
  const processor = cpus()[0]?.model.trim() || 'unknown processor';
  const text = `# Proof

<!-- Made by \`npm run proof -- --write\`: run it again rather than change this file. -->

“Never log out an honest client, always catch a thief” can be tested. [\`test/race/proof.test.ts\`](../test/race/proof.test.ts)
plays random stories: a browser with several tabs and two thieves refresh, use what they got, wait, lose answers, whole or
torn, and come back. A witness sees what a network sees, and no more: who presented which generation at which time and what
was answered. It knows none of the rules by which the service decides; it holds every answer against seven invariants.

1. One secret is current; every accepted earlier one leads to it.
2. In a session that nobody else has used, whose client stores an answer before it uses it, ends each attempt within half
   the grace period, takes its locks, does not rotate more than four times within one grace period and does not lose stored
   state, there are no forced logouts, whatever answers are lost.
3. Once the confirmation of a generation is recorded, presenting any earlier one after its grace revokes the session.
4. Once a revocation is committed, the session yields nothing, and its access tokens stop within the bound (at an instance
   that is cut off from the database, within \`revocation.maxStaleness\`).
5. No expiry exceeds the absolute one, which never moves.
6. A crash between the update and the answer leaves a state in which 2 still holds.
7. A session's storage is bounded.

The same stories are told three times: to the core in a time of its own, with processes that die after any of their
commands to the store; to two instances of the reference service in real time; and to four instances while these are killed
and started again, lose their database, wait in frozen lines, lose its answers after a rotation, and while the wall clock
of one steps by minutes.

\`npm run proof\` plays them; \`npm run proof -- 1000\` plays more, \`--seed\` the same ones again, \`MONGODB_URI\` says on which
database. \`npm test\` plays fewer, always the same. A story that breaks an invariant is printed step by step, with its seed.

## The run

${status === 0 ? 'It passed.' : 'It failed.'} Grace period over processes: ${graceMs / 1000} s. Database: ${database}. Machine: ${processor},
${availableParallelism()} cores, load ${load.toFixed(1)} when it began, Node ${process.version}.

${table}

- _inside inv. 2_: stories in which every precondition of invariant 2 held to the end. There a forced logout is a defect.
- _outside it_: forced logouts of a client that broke a precondition, mostly because a thief was about and was found.
- _thefts confirmed_: sessions that a thief used, and in which an earlier token came back after its grace, the receipt of
  its successor on record; _thefts found_: those that were answered \`REFRESH_TOKEN_REUSED\` and ended.
- _lost answers_: requests and answers that did not arrive, under faults those that nobody answered in time among them.

Faults:

${Object.entries(faults)
  .map(([name, count]) => `- ${count} × ${name}`)
  .join('\n')}
${failures.map((story) => `\n\`\`\`text\n${story}\n\`\`\`\n`).join('')}
## What it found

- A request that waited so long for the database that its client had given up, asked again elsewhere and gone on was taken
  for a theft when its turn came. It is judged by when it came now
  ([\`test/race/lost-answers.test.ts\`](../test/race/lost-answers.test.ts)).
- Outside of invariant 2, and so as it was: a page load that takes no lock and carries a token whose answer was lost, is
  overtaken by the recovery of that answer _and_ by one more rotation. Its token's own grace is over; that of the recovery
  covers the last predecessor alone.
`;
  const path = join(ROOT, 'docs/proof.md');
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), parser: 'markdown' }));
}
