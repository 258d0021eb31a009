import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Cluster } from '../support/proof/cluster.js';
import { CoreStage } from '../support/proof/core-stage.js';
import { Faults } from '../support/proof/faults.js';
import { interleaving } from '../support/proof/interleaving.js';
import { play } from '../support/proof/play.js';
import { ServiceStage } from '../support/proof/service-stage.js';
import { Tally, toTable } from '../support/proof/tally.js';
import { seeded } from '../support/seeded.js';

/** `npm run proof` asks for more; a seed that failed is given again by PROOF_SEED. */
/** The same stories each time, so that a failing build fails again. `npm run proof` plays others. */
const SEED = Number(process.env.PROOF_SEED ?? 2_128_286_001);
const CORE_RUNS = Number(process.env.PROOF_CORE_RUNS ?? 5_000);
const PROCESS_RUNS = Number(process.env.PROOF_PROCESS_RUNS ?? 60);
const FAULT_RUNS = Number(process.env.PROOF_FAULT_RUNS ?? 16);
/** A story in real time takes several of these. Half of one must be enough for an attempt, even on a busy machine. */
const GRACE_MS = 5_000;
const AT_ONCE = 32;
/** Less than the five seconds between two reads during a watch, so only pushed revocations are fast enough. */
const BOUND_MS = 4_000;
/** An instance that is cut off receives nothing, and accepts no token after `revocation.maxStaleness`. */
const CUT_OFF_BOUND_MS = 30_000 + BOUND_MS;

const tallies: Tally[] = [];
const faults: Record<string, number> = {};
const newTally = (part: string): Tally => {
  const tally = new Tally(part, SEED);
  tallies.push(tally);
  return tally;
};

afterAll(() => {
  const struck = Object.entries(faults).map(([name, count]) => `${count} × ${name}`);
  const table = toTable(tallies);
  process.stderr.write(`\n${table}\nFaults: ${struck.join(', ') || 'none'}\n`);
  const report = process.env.PROOF_REPORT;
  if (report === undefined) return;
  const database = process.env.TEST_DATABASE_DESCRIPTION;
  const failures = tallies.flatMap((tally) => tally.failures);
  writeFileSync(report, JSON.stringify({ table, database, faults, failures, graceMs: GRACE_MS }));
});

/** Every kind of event occurred, and nothing was violated. */
function expectProven(tally: Tally): void {
  expect(tally.failures).toEqual([]);
  expect(tally.forcedLogoutsInside).toBe(0);
  expect(tally.theftsFound).toBe(tally.theftsConfirmed);
  expect(tally.otherServerErrors).toBe(0);
  expect(tally.lostAnswers).toBeGreaterThan(0);
}

/** Random stories over processes, many at a time. */
async function playAll(cluster: Cluster, count: number, tally: Tally, boundMs: number): Promise<void> {
  const stories = fc.sample(interleaving({ minLength: 4, maxLength: 14 }), { numRuns: count, seed: SEED });
  const waiting = [...stories.entries()];
  const player = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [number, story] = next;
      const stage = new ServiceStage(cluster.services, cluster.sessions, GRACE_MS, boundMs);
      const witness = await play(stage, story, tally);
      if (witness.failures.length > 0)
        tally.failures.push(`seed ${SEED}, story ${number}\n${witness.story()}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, player));
}

describe('the invariants of rotation', () => {
  it(`hold in ${CORE_RUNS} random interleavings of the pure core`, async () => {
    const tally = newTally('pure core');
    const details = await fc.check(
      fc.asyncProperty(interleaving({ minLength: 4, maxLength: 22 }), async (story) => {
        const witness = await play(new CoreStage(), story, tally);
        if (witness.failures.length > 0) throw new Error(witness.story());
      }),
      { seed: SEED, numRuns: CORE_RUNS },
    );
    if (details.failed)
      tally.failures.push(
        `seed ${details.seed}, path ${details.counterexamplePath}\n${String(details.errorInstance)}`,
      );
    expectProven(tally);
    expect(tally.stories).toBe(CORE_RUNS);
    expect(tally.insideInvariant2).toBeGreaterThan(CORE_RUNS / 4);
    expect(tally.theftsConfirmed).toBeGreaterThan(CORE_RUNS / 50);
    expect(tally.thieves).toBeGreaterThan(CORE_RUNS / 20);
  }, 600_000);

  it(`hold in ${PROCESS_RUNS} random interleavings over two instances`, async () => {
    const tally = newTally('two instances');
    const cluster = await Cluster.start(2, GRACE_MS);
    try {
      await playAll(cluster, PROCESS_RUNS, tally, BOUND_MS);
    } finally {
      await cluster.stop();
    }
    expectProven(tally);
    expect(tally.stories).toBe(PROCESS_RUNS);
  }, 3_600_000);

  it(`hold in ${FAULT_RUNS} random interleavings over four instances that die and lose their database`, async () => {
    const tally = newTally('four instances, faults');
    const cluster = await Cluster.start(4, GRACE_MS);
    const disturbance = new Faults(cluster, GRACE_MS, seeded(SEED));
    try {
      await playAll(cluster, FAULT_RUNS, tally, CUT_OFF_BOUND_MS);
    } finally {
      await disturbance.stop();
      await cluster.stop();
      Object.assign(faults, disturbance.counts);
    }
    expectProven(tally);
    expect(tally.stories).toBe(FAULT_RUNS);
  }, 3_600_000);
});
