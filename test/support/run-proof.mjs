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

“Never log out an honest client; a stolen session dies at the owner’s next refresh” can be tested. This page says how we tested it, and
with what result.

## Random stories

[\`test/race/proof.test.ts\`](../test/race/proof.test.ts) runs random scenarios (stories): a browser with several tabs and
thieves refresh, use their tokens, wait, lose responses completely or in part, and come back. In two of three stories the browser
sends attempts; in the others it does not. An observer (the witness) sees only what a network sees: who presented which generation
at which time, and what the response was. It knows none of the rules of the service, and checks every response against these
invariants.

1. One secret is current. An earlier one gets the current one, or a new one that makes the current one and its access tokens
   worthless, or nothing.
2. In a session that nobody else has used, whose client sends attempts, stores a response before it uses it, and whose record
   of attempts is shared by all its parts, there are no forced logouts, even if any requests and responses are lost, late or
   repeated, with or without locks, and also if the stored token falls back by up to four generations.
3. Without attempts there are no forced logouts either, as long as the client ends each refresh within half the grace period, takes its
   locks, and its stored token does not fall back.
4. A thief copies everything that a client with attempts has, while no attempt is outstanding, and both continue. Then
   (a) no secret is ever current for both; (b) the thief’s tokens are worthless from the owner’s next refresh that does not
   have to wait; (c) the thief gets tokens in at most one unbroken row of refreshes; (d) once the owner has refreshed
   and used the new access token, the thief gets nothing.
5. Without attempts: once the receipt of a generation is on record, presenting an earlier one after its grace period ends
   the session, and so does presenting an abandoned one.
6. (Sessions that are bound to a key are tested elsewhere.)
7. Once a revocation is committed, the session issues nothing, and its access tokens stop within the bound (at an instance
   that is cut off from the database, within \`revocation.maxStaleness\`).
8. No expiry exceeds the absolute one, which never moves; a session’s storage is bounded.

The same stories run in three ways: against the core with a simulated clock, where processes stop after any of their commands to the
store; against two instances of the reference service in real time; and against four instances with faults. The faults kill
and restart instances, disconnect the database, freeze connections, lose responses of the database after a rotation, and move the
clock of one instance by minutes.

\`npm run proof\` runs them. \`npm run proof -- 1000\` runs more, \`--seed\` repeats a run, and \`MONGODB_URI\` selects the
database. \`npm test\` runs fewer stories, always the same ones. A story that breaks an invariant is printed step by step, with its seed.

${passed ? 'The run passed.' : 'The run failed.'} Grace period over processes: ${graceMs / 1000} s. Database: ${database}. Machine: ${processor},
${availableParallelism()} cores, load ${load.toFixed(1)} when it began, Node ${process.version}.

${table}

- _inside inv. 2_: stories in which every precondition of invariant 2 or 3 was true to the end. There a forced logout is a
  defect.
- _outside it_: forced logouts of a client that broke a precondition, mostly because a thief was active and was found.
- _thefts confirmed_: sessions without attempts that a thief used, and in which an earlier token came back after its grace,
  the receipt of its successor on record; _thefts found_: those that got \`REFRESH_TOKEN_REUSED\` and ended.
- _thieves_: sessions with attempts in which a thief presented the copy. _Found_: the session ended. _Thrown
  out_: the tokens that they got are worthless. _Shut out_: they got nothing.
- _lost answers_: requests and responses that did not arrive; under faults this includes those without a response in time.

Faults:

${Object.entries(faults)
  .map(([name, count]) => `- ${count} × ${name}`)
  .join('\n')}
${failures.map((story) => `\n\`\`\`text\n${story}\n\`\`\`\n`).join('')}
## The decision alone

[\`test/core/rotation.fuzz.test.ts\`](../test/core/rotation.fuzz.test.ts) sends random requests to the decision function itself. The
owner’s responses are lost or late, their requests wait in stopped processes, and their stored token falls back. The thief presents
any secret with any attempt that they know, at any time. Without a thief no session ends; with one, invariant 4 is true.

## Honest people

A model of time ([\`test/support/populations\`](../test/support/populations)) lives the lives of ${populations.sessions} sessions of each kind for five
days, with far more faults than in real life, and uses the real decision function (seed ${populations.seed}). \`npm run proof -- populations\` repeats it,
and \`--sessions 2000\` uses more sessions. _First rule_: the rule of the first version, which had no attempts. In brackets: how many of
the logouts came from requests that were more than four generations late.

${populations.honest}

“Crash, jar and record lose 30 s” is a power cut that takes the cookie and the record of attempts back to the same moment:
it looks like a theft, and no promise is made. There is no promise either for an old client next to a new one
without locks, or for origins that share the cookie but no record of attempts: two parts of one browser look like two
holders there.

## Thieves

${populations.sessions} thieves of each kind act for three days. Four of five owners have a browser, one has a phone. A thief copies once, at a random
moment, and always knows at once when the owner has refreshed. They call the API once a minute while an access token works.

${populations.thieves}

- _found_: the session ended; _thrown out_: the tokens that they got are worthless; _shut out_: they got nothing; _unseen_:
  at the end they had a session that works.
- _reported_: an event named two clients with one token. With attempts it does so at the first try from another network;
  without, after three generations in a row that went to two networks. In the owner’s own network nobody is
  reported, except if the owner’s phone changes its network in the meantime.
- _with the copied access token_: calls that need no refresh. The copied access token stays valid until it expires, unless
  \`accessToken.retirePrevious\` is set or the session ends.
- A thief who copied an attempt that was outstanding knows as much as the owner until a response arrives: both may get
  the generation that this attempt creates.
- _generations to the end_: refreshes of the owner from the copy to the end of the session, where it ended.

A session without attempts has the old limit: a thief in the same network, one generation behind the owner, is not detected.

## Parameters of the populations

${populations.parameters}

## What it found

- Two responses that arrived late, one after the other, brought back two older tokens. The server no longer knew the second one, and
  the session ended. Now it remembers four abandoned secrets, not two.
- A request waited in a stopped process. Meanwhile its client’s stored token fell back to the token of that request, and was healed.
  The request then looked like a theft. Now a secret remembers the attempts that replaced it before.
- A waiting request had an older token and the attempt that had replaced a later one. Now any replacement between the
  presented token and the current one counts as done.
- A thief sent the attempt that had created the copied generation as their own. The owner was healed instead of having to wait,
  and the thief could displace them once more. Now healing counts as that one displacement.
- A request waited for the database until its client had given up, retried at another instance and continued. When its turn came, it
  looked like a theft. Now the server decides by its time of arrival
  ([\`test/race/lost-answers.test.ts\`](../test/race/lost-answers.test.ts)).
- Outside of invariant 3, and not changed: without attempts, a page load without a lock sends a token whose response was lost. It is
  logged out if the recovery of that response _and_ one more rotation overtake it.
- A limit: the owner waits for two grace periods at most, not for one, if a thief displaces them between two tries.
`;
  const path = join(ROOT, 'docs/proof.md');
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), parser: 'markdown' }));
}
