// `npm run proof` plays more stories than `npm test` and prints the table; `--write` writes it to
// docs/proof.md. The database: TEST_MONGODB_URI or MONGODB_URI, else the tests' choice.
// `npm run proof -- populations` simulates honest browsers and thieves, and prints their tables.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const USAGE = `npm run proof -- [stories over processes] [--seed <n>] [--write] [--sessions <n>]
npm run proof -- populations [--sessions <n>] [--seed <n>]`;
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    write: { type: 'boolean', default: false },
    seed: { type: 'string' },
    sessions: { type: 'string', default: '500' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'proof-'));
const seed = flags.seed ?? String(Date.now() % 2 ** 31);
const load = loadavg()[0] ?? 0;

try {
  if (positionals[0] === 'populations') {
    const populations = livePopulations();
    console.log(`\n${populations.parameters}\n\n${populations.honest}\n\n${populations.thieves}`);
  } else await prove();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function prove() {
  // Stories over processes; half as many under faults, and a hundred times as many of the core.
  const runs = wholeNumber(positionals[0] ?? process.env.PROOF_RUNS ?? '300');
  const report = join(folder, 'report.json');
  const passed = jest(['test/race/proof.test.ts'], {
    PROOF_SEED: seed,
    PROOF_CORE_RUNS: String(100 * runs),
    PROOF_PROCESS_RUNS: String(runs),
    PROOF_FAULT_RUNS: String(Math.ceil(runs / 2)),
    PROOF_REPORT: report,
  });
  if (flags.write) await write(JSON.parse(readFileSync(report, 'utf8')), passed, livePopulations());
}

function livePopulations() {
  const sessions = wholeNumber(flags.sessions);
  const report = join(folder, 'populations.json');
  jest(['test/core/populations.test.ts', '-t', 'all populations'], {
    POPULATION_SESSIONS: String(sessions),
    POPULATION_SEED: seed,
    POPULATION_REPORT: report,
  });
  return JSON.parse(readFileSync(report, 'utf8'));
}

function wholeNumber(text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(USAGE);
  return number;
}

function jest(paths, settings) {
  const { MONGODB_URI, TEST_MONGODB_URI = MONGODB_URI, ...environment } = process.env;
  const env = { ...environment, ...(TEST_MONGODB_URI ? { TEST_MONGODB_URI } : {}), ...settings };
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const { status } = spawnSync(
    process.execPath,
    [...node, join(ROOT, 'node_modules/jest/bin/jest.js'), '--runInBand', ...paths],
    { cwd: ROOT, env, stdio: 'inherit' },
  );
  if (status !== 0) process.exitCode = status ?? 1;
  return status === 0;
}

async function write({ table, database, faults, failures, graceMs }, passed, populations) {
  const processor = cpus()[0]?.model.trim() || 'unknown processor';
  const text = `# Proof

<!-- Made by \`npm run proof -- --write\`: run it again rather than change this file. -->

“Never log out an honest client; a stolen session dies at the owner’s next refresh” can be tested. This page says how, and
what came out.

## Random stories

[\`test/race/proof.test.ts\`](../test/race/proof.test.ts) plays random stories: a browser with several tabs, and thieves,
refresh, use what they got, wait, lose answers, whole or torn, and come back. In two of three stories the browser sends
attempts; in the others it does not. A witness sees what a network sees, and no more: who presented
which generation at which time, and what was answered. It knows none of the rules by which the service decides; it holds
every answer against these invariants.

1. One secret is current. An earlier one is answered with the current one, or with a new one that makes the current one and
   its access tokens worthless, or not at all.
2. In a session that nobody else has used, whose client sends attempts, stores an answer before it uses it, and whose record
   of attempts is shared by all its parts, there are no forced logouts: whatever requests and answers are lost, late or
   repeated, with or without locks, and also if the stored token falls back by up to four generations.
3. Without attempts there are none either, as long as the client ends each refresh within half the grace period, takes its
   locks, and its stored token does not fall back.
4. Somebody copies all that a client with attempts has, at a moment when no attempt is outstanding, and both go on. Then
   (a) no secret is ever current for both; (b) what the thief was given is worthless from the owner’s next refresh on that
   is not asked to wait; (c) the thief is served in one unbroken row of refreshes at most; (d) once the owner has refreshed
   and used the new access token, the thief is served nothing.
5. Without attempts: once the receipt of a generation is on record, presenting an earlier one after its grace period ends
   the session; so does an abandoned one.
6. (Sessions that are bound to a key are tested elsewhere.)
7. Once a revocation is committed, the session yields nothing, and its access tokens stop within the bound (at an instance
   that is cut off from the database, within \`revocation.maxStaleness\`).
8. No expiry exceeds the absolute one, which never moves; a session’s storage is bounded.

The same stories run three times: to the core in a time of its own, with processes that die after any of their
commands to the store; to two instances of the reference service in real time; and to four instances while these are killed
and started again, lose their database, wait in frozen lines, lose its answers after a rotation, and while the wall clock
of one steps by minutes.

\`npm run proof\` plays them; \`npm run proof -- 1000\` plays more, \`--seed\` the same ones again, \`MONGODB_URI\` says on which
database. \`npm test\` plays fewer, always the same. A story that breaks an invariant is printed step by step, with its seed.

${passed ? 'The run passed.' : 'The run failed.'} Grace period over processes: ${graceMs / 1000} s. Database: ${database}. Machine: ${processor},
${availableParallelism()} cores, load ${load.toFixed(1)} when it began, Node ${process.version}.

${table}

- _inside inv. 2_: stories in which every precondition of invariant 2 or 3 held to the end. There a forced logout is a
  defect.
- _outside it_: forced logouts of a client that broke a precondition, mostly because a thief was about and was found.
- _thefts confirmed_: sessions without attempts that a thief used, and in which an earlier token came back after its grace,
  the receipt of its successor on record; _thefts found_: those that were answered \`REFRESH_TOKEN_REUSED\` and ended.
- _thieves_: sessions with attempts in which a thief presented what they had copied. _Found_: the session ended. _Thrown
  out_: what they were given is worthless. _Shut out_: they were given nothing.
- _lost answers_: requests and answers that did not arrive, under faults those that nobody answered in time among them.

Faults:

${Object.entries(faults)
  .map(([name, count]) => `- ${count} × ${name}`)
  .join('\n')}
${failures.map((story) => `\n\`\`\`text\n${story}\n\`\`\`\n`).join('')}
## The decision alone

[\`test/core/rotation.fuzz.test.ts\`](../test/core/rotation.fuzz.test.ts) sends random requests to the decision itself: an
owner whose answers are lost or late, whose requests wait in stopped processes, and whose stored token falls back; a thief
who presents any secret with any attempt that they know, at any time. Without a thief no session ends; with one, invariant 4
holds.

## Honest people

A model of time ([\`test/support/populations\`](../test/support/populations)) lives the lives of ${populations.sessions} sessions of each kind, five days
long, with faults far above those of life, and asks the real decision (seed ${populations.seed}). \`npm run proof -- populations\` does it
again, \`--sessions 2000\` with more. _First rule_: the rule of the first version, which knew no attempts. In brackets: how
many of the logouts were of requests that more than four generations had overtaken.

${populations.honest}

“Crash, jar and record lose 30 s” is a power cut that takes the cookie and the record of attempts back to the same moment:
it looks like a theft, and no promise is made. None is made either for an old client beside a new one
without locks, nor for origins that share the cookie but no record of attempts: two parts of one browser look like two
holders there.

## Thieves

${populations.sessions} thieves of each kind, three days long; four of five owners have a browser, one a phone. A thief copies once, at a random
moment. An oracle tells them the moment the owner is served. They call the API once a minute while an access token works.

${populations.thieves}

- _found_: the session ended; _thrown out_: what they were given is worthless; _shut out_: they were given nothing; _unseen_:
  at the end they held a session that works.
- _reported_: an event named two clients with one token. With attempts it does so at the first try from another network;
  without, after three generations in a row that were served to two networks. From the owner’s own network nobody is
  reported, but for phones that change theirs meanwhile.
- _with the copied access token_: calls that need no refresh. The copied access token lives to its end, unless
  \`accessToken.retirePrevious\` is set or the session ends.
- A thief who copied an attempt that was outstanding knows as much as the owner until an answer arrives: both may be given
  the generation which that attempt makes.
- _generations to the end_: refreshes of the owner from the copy to the end of the session, where it ended.

A session without attempts is as before: a thief next door, who follows one step behind, is not seen.

## What the populations are made with

${populations.parameters}

## What it found

- Two answers that came late, one after the other, brought back two older tokens; the second one was not known any more, and
  the session ended. Four abandoned secrets are remembered now, not two.
- A request waited in a stopped process; meanwhile its client’s stored token fell back to the very token that the request
  carried, and was healed. The request was then taken for a theft. A secret remembers the attempts that replaced it before.
- A request waited that carried an older token and the attempt that had replaced a later one. Any replacement between the
  presented token and the current one counts as answered now.
- A thief sent the attempt that had made the copied generation as their own: the owner was healed instead of asked to wait,
  and the thief could displace them once more. Healing counts as that one displacement now.
- A request that waited for the database until its client had given up, asked again elsewhere and gone on was taken
  for a theft when its turn came. It is judged by when it came
  ([\`test/race/lost-answers.test.ts\`](../test/race/lost-answers.test.ts)).
- Outside of invariant 3, and so as it was: without attempts, a page load that takes no lock and carries a token whose
  answer was lost, is overtaken by the recovery of that answer _and_ by one more rotation.
- A limit: the owner waits for two grace periods at most, not for one, if a thief displaces them between two tries.
`;
  const path = join(ROOT, 'docs/proof.md');
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), parser: 'markdown' }));
}
