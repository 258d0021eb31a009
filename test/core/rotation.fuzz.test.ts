import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Duel, type DuelStep } from '../support/rotation-model/duel.js';
import { firstRule } from '../support/rotation-model/first-rule.js';

const SEED = Number(process.env.FUZZ_SEED ?? 20_260_101);
const RUNS = Number(process.env.FUZZ_RUNS ?? 3_000);

const step = (weight: number, arbitrary: fc.Arbitrary<DuelStep>) => ({ weight, arbitrary });
const honest = [
  step(8, fc.constant({ kind: 'refresh', fate: 'answered' })),
  step(
    4,
    fc.record({
      kind: fc.constant('refresh' as const),
      fate: fc.constantFrom('answer lost' as const, 'answer late' as const, 'frozen' as const),
    }),
  ),
  step(2, fc.constantFrom<DuelStep[]>({ kind: 'thaw' }, { kind: 'arrives' })),
  step(4, fc.constant({ kind: 'use' })),
  step(
    1,
    fc.record({ kind: fc.constant('fall back' as const), generations: fc.integer({ min: 1, max: 4 }) }),
  ),
  step(
    4,
    fc.record({ kind: fc.constant('pause' as const), seconds: fc.constantFrom(1, 4, 9, 11, 30, 3_600) }),
  ),
];
const thief = [
  step(2, fc.constant({ kind: 'copy' })),
  step(
    8,
    fc.record({
      kind: fc.constant('thief' as const),
      secret: fc.nat({ max: 3 }),
      attempt: fc.nat({ max: 3 }),
      previous: fc.nat({ max: 4 }),
      isRelay: fc.boolean(),
      uses: fc.boolean(),
    }),
  ),
];

function steps(...kinds: (typeof honest)[]): fc.Arbitrary<DuelStep[]> {
  return fc.array(fc.oneof(...kinds.flat()), { minLength: 4, maxLength: 30, size: 'max' });
}

function play(isAtRest: boolean, story: readonly DuelStep[]): Duel {
  const duel = new Duel(isAtRest);
  for (const each of story) duel.act(each);
  if (duel.failures.length > 0) throw new Error(duel.lines.join('\n'));
  return duel;
}

const refresh: DuelStep = { kind: 'refresh', fate: 'answered' };
const lost: DuelStep = { kind: 'refresh', fate: 'answer lost' };
const late: DuelStep = { kind: 'refresh', fate: 'answer late' };
const frozen: DuelStep = { kind: 'refresh', fate: 'frozen' };
const thaw: DuelStep = { kind: 'thaw' };
const arrives: DuelStep = { kind: 'arrives' };
const use: DuelStep = { kind: 'use' };
const copy: DuelStep = { kind: 'copy' };
const later: DuelStep = { kind: 'pause', seconds: 11 };
const fallBack = (generations: number): DuelStep => ({ kind: 'fall back', generations });
/** Presents one of the thief's secrets, the newest first. An attempt of 0 is a fresh one; others are known ones. */
const present = (secret: number, attempt: number): DuelStep => ({
  kind: 'thief',
  secret,
  attempt,
  previous: 0,
  isRelay: false,
  uses: false,
});

describe('the decision, in random interleavings', () => {
  const options = { seed: SEED, numRuns: RUNS };

  it('2: without a thief no session ends', () => {
    fc.assert(
      fc.property(steps(honest), (story) => void play(true, story)),
      options,
    );
  });

  it('4 (a) to (d): a copy that was made while no attempt was outstanding', () => {
    let robbed = 0;
    fc.assert(
      fc.property(steps(honest, thief), (story) => {
        robbed += play(true, story).thiefRuns;
      }),
      options,
    );
    expect(robbed).toBeGreaterThan(RUNS / 6);
  });

  it('4: a copy that was made while an attempt was outstanding is served in two runs at most', () => {
    let twice = 0;
    fc.assert(
      fc.property(steps(honest, thief), (story) => {
        twice += play(false, story).thiefRuns === 2 ? 1 : 0;
      }),
      options,
    );
    expect(twice).toBeGreaterThan(0);
  });

  it('the same interleavings find the faults of the first version of the rule', () => {
    for (const isAtRest of [true, false]) {
      const check = fc.check(
        fc.property(steps(honest, thief), (story) => {
          const duel = new Duel(isAtRest, firstRule);
          for (const each of story) duel.act(each);
          return duel.failures.length === 0;
        }),
        options,
      );
      expect(check.failed).toBe(true);
    }
  });

  it.each<[string, DuelStep[]]>([
    [
      'two late answers arrive one after the other, and restore older tokens',
      [late, refresh, late, refresh, refresh, refresh, arrives, refresh, arrives, refresh],
    ],
    [
      'a request waits, and the stored token falls back to the one in that request',
      [frozen, refresh, refresh, fallBack(2), refresh, use, later, thaw, refresh, refresh],
    ],
    [
      'the same, and the answer that healed it is lost',
      [frozen, refresh, fallBack(1), lost, later, thaw, refresh, refresh],
    ],
    [
      'a waiting request carries an older token with the attempt that replaced a later one',
      [refresh, late, fallBack(1), frozen, arrives, later, refresh, thaw, refresh],
    ],
    [
      'a waiting request made the current generation, and the stored token fell back in the meantime',
      [refresh, frozen, fallBack(1), thaw, refresh, later, refresh, refresh],
    ],
  ])('2: %s', (_, story) => {
    const duel = play(true, story);
    expect(duel.lines.at(-1)).toMatch(/rotated|healed/);
  });

  it.each<[string, DuelStep[], string]>([
    [
      'sends no attempt, and presents an abandoned secret within its grace',
      [copy, present(0, 1), later, present(1, 1), refresh, present(1, 1)],
      'contested',
    ],
    [
      'sends the attempt that made the copied generation as their own',
      [refresh, copy, present(0, 1), later, refresh, later, present(1, 0)],
      'reuse',
    ],
    [
      'displaces the owner, and tries again to keep the owner waiting',
      [copy, lost, later, present(0, 0), refresh, later, present(1, 0)],
      'reuse',
    ],
  ])('4: a thief who %s', (_, story, outcome) => {
    const duel = play(true, story);
    expect(duel.lines.at(-1)).toMatch(new RegExp(`the thief presents .*: ${outcome}$`));
  });

  it('4: the owner waits for two grace periods at most, whatever the thief does', () => {
    const duel = play(true, [copy, present(0, 0), refresh, later, present(1, 0), refresh, later, refresh]);
    expect(duel.lines.at(-1)).toMatch(/the owner presents .*: reuse$/);
  });

  it('4: an attempt that was outstanding when the copy was made leads to no later generation than its own', () => {
    const duel = play(false, [lost, copy, refresh, refresh, present(0, 3)]);
    expect(duel.lines.at(-1)).toMatch(/the thief presents 0 .*: superseded$/);
    expect(duel.thiefRuns).toBe(0);
  });
});
