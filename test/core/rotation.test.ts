import { describe, expect, it } from '@jest/globals';
import { reissue } from '../../src/core/reissue.js';
import {
  decideRotation,
  type PresentedToken,
  type Reissue,
  type RotationPolicy,
  type RotationState,
} from '../../src/core/rotation.js';
import { hashSecret, sealSuccessor } from '../../src/core/successor-seal.js';

const SID = '65a000000000000000000001';
const T0 = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number) => new Date(T0 + seconds * 1000);
const secret = (index: number) => Buffer.alloc(32, index + 1).toString('base64url');
const POLICY: RotationPolicy = {
  gracePeriodMs: 10_000,
  lostResponseWindowMs: 604_800_000,
  fingerprintMode: 'report',
};

/** A generation: the second it was made at, and the attempt that made it. */
type Made = readonly [seconds: number, attempt?: string];

/** A session after these rotations, each with the secret of its number; generation 0 is the login. */
function session(made: readonly Made[], over: Partial<RotationState> = {}): RotationState {
  const generation = made.length;
  const predecessors = made.map(([seconds, attempt = null], index) => ({
    hash: hashSecret(secret(index)),
    gen: index,
    sealed: sealSuccessor(secret(index), secret(index + 1), SID, Buffer.alloc(12, index)),
    rotatedAt: at(seconds),
    attempt,
    displacedAt: null,
  }));
  return {
    id: SID,
    generation,
    tokenHash: hashSecret(secret(generation)),
    predecessors: predecessors.slice(-4),
    abandoned: [],
    rotatedAt: at(made.at(-1)?.[0] ?? 0),
    confirmedAt: null,
    expiresAt: at(7 * 86_400),
    fingerprint: 'f',
    revokedAt: null,
    revokedReason: null,
    ...over,
  };
}

/** The same session after the holder of secret `gen` received a new one, secret `next`. */
function reissued(
  state: RotationState,
  outcome: Reissue['outcome'],
  {
    gen,
    next,
    seconds,
    attempt = null,
  }: { gen: number; next: number; seconds: number; attempt?: string | null },
): RotationState {
  const decision = decide(state, gen, seconds, {
    attempt,
    ...(outcome === 'healed' ? { previous: latestOf(state) } : {}),
  });
  if (decision.outcome !== outcome)
    throw new Error(`${outcome} was expected, not ${JSON.stringify(decision)}`);
  const former = reissue({
    session: state,
    decision: decision,
    presentedSecret: secret(gen),
    presentedGen: gen,
    nextSecret: secret(next),
    nonces: [Buffer.alloc(12, 100 + next), Buffer.alloc(12, 200 + next)],
    attempt,
    now: at(seconds),
  });
  return {
    ...state,
    ...former,
    generation: state.generation + 1,
    tokenHash: hashSecret(secret(next)),
    rotatedAt: at(seconds),
    confirmedAt: null,
  };
}

const latestOf = (state: RotationState) => state.predecessors.at(-1)?.attempt ?? null;

function decide(
  state: RotationState | null,
  gen: number,
  seconds: number,
  token: Partial<PresentedToken> = {},
  policy: Partial<RotationPolicy> = {},
) {
  const presented: PresentedToken = {
    secret: secret(gen),
    gen,
    fingerprints: ['f'],
    attempt: null,
    previous: null,
    hasHungUp: false,
    isAfterStandstill: false,
    ...token,
  };
  return decideRotation(state, presented, at(seconds), { ...POLICY, ...policy });
}

const replay = (index: number, isSameAttempt: boolean) => ({
  outcome: 'replay',
  secret: secret(index),
  isSameAttempt,
});
const reuse = (evidence: string) => ({ outcome: 'reuse', evidence });

describe(decideRotation.name, () => {
  describe('before the token is checked', () => {
    it('row 0: if the client has closed the connection, nothing is rotated or judged, whatever it presents', () => {
      for (const state of [null, session([]), session([[0], [1]], { confirmedAt: at(1) })])
        expect(decide(state, 0, 100, { hasHungUp: true })).toEqual({ outcome: 'dropped' });
    });

    it('row 1: no session: unknown', () => {
      expect(decide(null, 0, 1)).toEqual({ outcome: 'unknown' });
    });

    it('row 2: a revoked session issues no token, whatever is presented, and says why', () => {
      const revoked = session([[5]], { revokedAt: at(6), revokedReason: 'replaced', expiresAt: at(1) });
      for (const gen of [0, 1, 7])
        expect(decide(revoked, gen, 7)).toEqual({ outcome: 'revoked', reason: 'replaced' });
    });

    it('row 3: an expired session issues no token, from the exact moment of its expiry', () => {
      const state = session([[5]], { expiresAt: at(60) });
      expect(decide(state, 1, 60)).toEqual({ outcome: 'expired' });
      expect(decide(state, 1, 59.999)).toEqual({ outcome: 'retry' });
    });

    it('row 4: the current secret, but another write came first: retry, with and without an attempt', () => {
      expect(decide(session([[5]]), 1, 6)).toEqual({ outcome: 'retry' });
      expect(decide(session([[5, 'A']]), 1, 6, { attempt: 'B' })).toEqual({ outcome: 'retry' });
    });

    const stranger = { secret: secret(200) };

    it('row 5: a future generation, or the current one with another secret: the store was restored', () => {
      expect(decide(session([[5]]), 2, 6, stranger)).toEqual({
        outcome: 'restored',
        evidence: 'generation_ahead',
      });
      expect(decide(session([[5]]), 1, 6, stranger)).toEqual({
        outcome: 'restored',
        evidence: 'secret_differs',
      });
    });

    it('rows 5 and 6: an unknown secret is never mistaken for an abandoned one', () => {
      const taken = reissued(session([[5, 'T']]), 'displaced', {
        gen: 0,
        next: 2,
        seconds: 60,
        attempt: 'A',
      });
      expect(decide(taken, 2, 61, stranger)).toEqual({ outcome: 'restored', evidence: 'secret_differs' });
      expect(decide(taken, 1, 61, stranger)).toEqual(reuse('beyond_memory'));
    });

    it('row 6: a generation older than the server remembers: reuse, with and without an attempt', () => {
      const state = session([[1], [2], [3], [4], [5]]);
      expect(decide(state, 0, 6)).toEqual(reuse('beyond_memory'));
      expect(decide(state, 0, 6, { attempt: 'A' })).toEqual(reuse('beyond_memory'));
    });
  });

  describe('with attempts', () => {
    const state = session([[5, 'A']]);
    const confirmed = { ...state, confirmedAt: at(6) };

    it('row 7: the same attempt gets the same answer, without a time limit until the answer is used', () => {
      for (const seconds of [5, 15, 16, 6 * 86_400])
        expect(decide(state, 0, seconds, { attempt: 'A' })).toEqual(replay(1, true));
    });

    it('row 7: the same attempt within the grace period, although the answer was used', () => {
      expect(decide(confirmed, 0, 15, { attempt: 'A' })).toEqual(replay(1, true));
    });

    it('row 8: the same attempt after the grace period, the answer used: superseded', () => {
      expect(decide(confirmed, 0, 15.001, { attempt: 'A' })).toEqual({ outcome: 'superseded' });
    });

    it('row 8: the same attempt of an earlier entry: superseded, also within its grace period', () => {
      const later = session([
        [5, 'A'],
        [6, 'B'],
      ]);
      expect(decide(later, 0, 7, { attempt: 'A' })).toEqual({ outcome: 'superseded' });
      expect(decide(later, 0, 7000, { attempt: 'A' })).toEqual({ outcome: 'superseded' });
    });

    it('row 8: the same attempt of an abandoned secret: superseded', () => {
      const taken = reissued(session([[5, 'T']]), 'displaced', {
        gen: 0,
        next: 2,
        seconds: 60,
        attempt: 'A',
      });
      expect(decide(taken, 1, 61, { attempt: 'A' })).toEqual({ outcome: 'superseded' });
      expect(decide(taken, 1, 6000, { attempt: 'A' })).toEqual({ outcome: 'superseded' });
    });

    it('row 8: the attempt that replaced the secret before its holder fell back to it, after the grace period', () => {
      const healed = reissued(confirmed, 'healed', { gen: 0, next: 2, seconds: 60, attempt: 'B' });
      const used = { ...healed, confirmedAt: at(61) };
      expect(decide(used, 0, 70, { attempt: 'A' })).toEqual({ outcome: 'contested' });
      expect(decide(used, 0, 70.001, { attempt: 'A' })).toEqual({ outcome: 'superseded' });
      expect(decide(used, 0, 70.001, { attempt: 'T' })).toEqual(reuse('other_attempt'));
      const displaced = reissued(session([[5, 'T']]), 'displaced', {
        gen: 0,
        next: 2,
        seconds: 60,
        attempt: 'A',
      });
      expect(decide(displaced, 0, 70.001, { attempt: 'T' })).toEqual(reuse('displaced_twice'));
    });

    it('row 8: an attempt that replaced a later secret on the way to the current one, after the grace period', () => {
      const later = session([
        [5, 'A'],
        [6, 'B'],
        [7, 'C'],
      ]);
      expect(decide(later, 0, 15, { attempt: 'B' })).toEqual({ outcome: 'contested' });
      expect(decide(later, 0, 15.001, { attempt: 'B' })).toEqual({ outcome: 'superseded' });
      // An attempt that replaced an earlier secret proves nothing about this one.
      expect(decide(later, 1, 16.001, { attempt: 'A' })).toEqual(reuse('successor_replaced'));
    });

    it('row 9: a client that knows the attempt behind the current generation is its owner, and its token fell back', () => {
      const healed = { outcome: 'healed', lostSecret: secret(1) };
      for (const seconds of [6, 3600])
        expect(decide(confirmed, 0, seconds, { attempt: 'B', previous: 'A' })).toEqual(healed);
    });

    it('row 9: an earlier entry heals as well, up to four generations back', () => {
      const four = session(
        [
          [1, 'A'],
          [2, 'B'],
          [3, 'C'],
          [4, 'D'],
        ],
        { confirmedAt: at(5) },
      );
      for (const gen of [0, 1, 2, 3])
        expect(decide(four, gen, 3600, { attempt: 'E', previous: 'D' })).toEqual({
          outcome: 'healed',
          lostSecret: secret(4),
        });
      expect(decide(four, 0, 3600, { attempt: 'E', previous: 'C' })).toEqual(reuse('successor_replaced'));
    });

    it('row 9: an attempt that itself made the current generation heals an earlier entry only after the grace period', () => {
      const later = session([
        [5, 'A'],
        [6, 'B'],
      ]);
      expect(decide(later, 0, 15, { attempt: 'B' })).toEqual({ outcome: 'contested' });
      expect(decide(later, 0, 15.001, { attempt: 'B' })).toEqual({
        outcome: 'healed',
        lostSecret: secret(2),
      });
    });

    it('row 9: an attempt that made no generation, or a missing one, heals nothing', () => {
      const plain = session([[5, 'A'], [6]]);
      expect(decide(plain, 0, 100, { attempt: 'B', previous: null })).toEqual(reuse('successor_replaced'));
    });

    it('row 10: another attempt within the grace period is contested, whether the answer was used or not', () => {
      for (const each of [state, confirmed])
        for (const seconds of [1, 5, 15])
          expect(decide(each, 0, seconds, { attempt: 'B' })).toEqual({ outcome: 'contested' });
    });

    it('row 10: a request without an attempt is contested, if the replacement had one', () => {
      expect(decide(state, 0, 6)).toEqual({ outcome: 'contested' });
    });

    it('row 10: a request with an attempt is contested, if the replacement had none', () => {
      expect(decide(session([[5]]), 0, 6, { attempt: 'A' })).toEqual({ outcome: 'contested' });
    });

    it('row 10: an abandoned secret is contested within its grace period', () => {
      const taken = reissued(session([[5, 'T']]), 'displaced', {
        gen: 0,
        next: 2,
        seconds: 60,
        attempt: 'A',
      });
      expect(decide(taken, 1, 70, { attempt: 'T2' })).toEqual({ outcome: 'contested' });
      expect(decide(taken, 1, 70.001, { attempt: 'T2' })).toEqual(reuse('abandoned_presented'));
    });

    it("row 10: nothing extends an entry's grace period except the one displacement", () => {
      const once = reissued(session([[5, 'T']]), 'displaced', { gen: 0, next: 2, seconds: 60, attempt: 'A' });
      expect(decide(once, 0, 70, { attempt: 'B' })).toEqual({ outcome: 'contested' });
      const again = reissued(once, 'healed', { gen: 0, next: 3, seconds: 100, attempt: 'C' });
      expect(again.predecessors.map(({ rotatedAt, displacedAt }) => [rotatedAt, displacedAt])).toEqual([
        [at(5), at(60)],
      ]);
      expect(decide(again, 0, 101, { attempt: 'B' })).toEqual(reuse('displaced_twice'));
    });

    it('row 11: after the grace period, an unused generation is taken back from another attempt', () => {
      expect(decide(state, 0, 15.001, { attempt: 'B' })).toEqual({
        outcome: 'displaced',
        lostSecret: secret(1),
      });
    });

    it('row 11: a client that sends no attempt takes an unused generation back as well', () => {
      expect(decide(state, 0, 60)).toEqual({ outcome: 'displaced', lostSecret: secret(1) });
    });

    it('row 12: a generation in use is not taken back: it is reuse', () => {
      expect(decide(confirmed, 0, 15.001, { attempt: 'B' })).toEqual(reuse('other_attempt'));
    });

    it('row 12: an earlier entry takes nothing back', () => {
      const later = session([
        [5, 'A'],
        [20, 'B'],
      ]);
      expect(decide(later, 0, 31, { attempt: 'C' })).toEqual(reuse('successor_replaced'));
    });

    it('row 12: nothing is taken back twice', () => {
      const once = reissued(session([[5, 'T']]), 'displaced', { gen: 0, next: 2, seconds: 60, attempt: 'A' });
      expect(decide(once, 0, 71, { attempt: 'T2' })).toEqual(reuse('displaced_twice'));
    });

    it.each(['report', 'enforce'] as const)(
      'row 12: another browser takes nothing back, in mode %s',
      (fingerprintMode) => {
        const token = { attempt: 'B', fingerprints: ['other'] };
        expect(decide(state, 0, 60, token, { fingerprintMode })).toEqual(reuse('fingerprint_differs'));
        expect(decide(state, 0, 60, token, { fingerprintMode: 'off' }).outcome).toBe('displaced');
      },
    );

    it('all replacements up to the current secret count, so omitting the attempt bypasses nothing', () => {
      const mixed = session([[5], [6, 'A']]);
      expect(decide(mixed, 0, 7)).toEqual({ outcome: 'contested' });
      const taken = reissued(session([[5]]), 'displaced', { gen: 0, next: 2, seconds: 60, attempt: 'A' });
      expect(decide(taken, 1, 61)).toEqual({ outcome: 'contested' });
      expect(decide(taken, 1, 71)).toEqual(reuse('abandoned_presented'));
    });

    it('after the grace period, a client without an attempt is not taken for one whose attempt was answered', () => {
      const mixed = session([[5], [6, 'A']]);
      expect(decide(mixed, 0, 15)).toEqual({ outcome: 'contested' });
      expect(decide(mixed, 0, 15.001)).toEqual(reuse('successor_replaced'));
    });

    it('an abandoned secret whose answer came late heals the session, and leads to the current secret', () => {
      const lost = reissued(session([[5, 'T']]), 'displaced', { gen: 0, next: 2, seconds: 60, attempt: 'A' });
      const decision = decide(lost, 1, 3600, { attempt: 'B', previous: 'A' });
      expect(decision).toEqual({ outcome: 'healed', lostSecret: secret(2) });
      const healed = reissued(lost, 'healed', { gen: 1, next: 3, seconds: 3600, attempt: 'B' });
      // That answer was lost, too.
      expect(decide(healed, 1, 3700, { attempt: 'B', previous: 'A' })).toEqual(replay(3, true));
      // The client's other token still leads to the current secret.
      expect(decide(healed, 2, 3700, { attempt: 'C', previous: 'B' })).toEqual({
        outcome: 'healed',
        lostSecret: secret(3),
      });
      expect(decide(healed, 2, 3700, { attempt: 'C' })).toEqual(reuse('abandoned_presented'));
      expect(decide(healed, 1, 3700, { attempt: 'C' })).toEqual(reuse('displaced_twice'));
    });
  });

  describe('without attempts', () => {
    it('row 13: an abandoned secret gets the current one within its grace period, and is reuse after it', () => {
      const recovered = reissued(session([[5]]), 'recovered', { gen: 0, next: 2, seconds: 60 });
      expect(decide(recovered, 1, 70)).toEqual(replay(2, false));
      expect(decide(recovered, 1, 70.001)).toEqual(reuse('abandoned_presented'));
    });

    it.each([
      ['at once', 5],
      ['at its end', 15],
      ['seen from a process whose clock is behind', 1],
    ])('row 14: a predecessor gets the current secret within its grace period, %s', (_, seconds) => {
      expect(decide(session([[5]]), 0, seconds)).toEqual(replay(1, false));
      // The other tab was faster.
      expect(decide(session([[5]], { confirmedAt: at(5) }), 0, seconds)).toEqual(replay(1, false));
    });

    it('row 14: follows one seal after another, four generations back', () => {
      const state = session([[1], [2], [3], [4]]);
      for (const gen of [0, 1, 2, 3]) expect(decide(state, gen, 5)).toEqual(replay(4, false));
    });

    it("row 14: each predecessor's grace period starts at its own replacement, not the latest", () => {
      const state = session([[1], [8], [14]]);
      expect(decide(state, 0, 12)).toEqual(reuse('successor_replaced'));
      expect(decide(state, 1, 12)).toEqual(replay(3, false));
    });

    it('row 14: ignores the fingerprint: only time decides a race', () => {
      expect(decide(session([[5]]), 0, 6, { fingerprints: ['other'] })).toEqual(replay(1, false));
    });

    it("row 14: the last predecessor has the grace period of its latest replacement, by the generation's time", () => {
      const recovered = reissued(session([[5]]), 'recovered', { gen: 0, next: 2, seconds: 60 });
      expect(decide(recovered, 0, 70)).toEqual(replay(2, false));
      expect(decide(recovered, 0, 71)).toEqual({ outcome: 'recovered', lostSecret: secret(2) });
      // An instance with a slow clock wrote the predecessor; the generation has the database's time.
      const behind = session([[5]], { rotatedAt: at(125) });
      expect(decide(behind, 0, 130)).toEqual(replay(1, false));
    });

    it('row 15: a lost response is recovered until the successor is used', () => {
      expect(decide(session([[5]]), 0, 15.001)).toEqual({ outcome: 'recovered', lostSecret: secret(1) });
    });

    it('row 15: a lost response is recovered only within the window; 0 turns it off', () => {
      const policy = { lostResponseWindowMs: 100_000 };
      expect(decide(session([[5]]), 0, 105, {}, policy).outcome).toBe('recovered');
      expect(decide(session([[5]]), 0, 105.001, {}, policy)).toEqual(reuse('lost_response_window_elapsed'));
      const off = { lostResponseWindowMs: 0 };
      expect(decide(session([[5]]), 0, 16, {}, off)).toEqual(reuse('lost_response_window_elapsed'));
    });

    it('row 15: the window starts at the first loss, however many answers were lost since', () => {
      let state = session([[5]]);
      for (let next = 2; next < 22; next += 1)
        state = reissued(state, 'recovered', { gen: 0, next, seconds: 60 * next });
      expect(state.predecessors).toHaveLength(1);
      expect(state.abandoned).toHaveLength(4);
      expect(decide(state, 0, 60 * 22 + 20).outcome).toBe('recovered');
      const policy = { lostResponseWindowMs: 1_294_000 };
      expect(decide(state, 0, 1300, {}, policy)).toEqual(reuse('lost_response_window_elapsed'));
    });

    it('row 16: a confirmed successor makes it reuse', () => {
      expect(decide(session([[5]], { confirmedAt: at(6) }), 0, 15.001)).toEqual(reuse('successor_confirmed'));
    });

    it('row 16: a predecessor before the last is reuse: its successor was presented, hence used', () => {
      expect(decide(session([[5], [20]]), 0, 31)).toEqual(reuse('successor_replaced'));
    });

    it.each([
      ['report', reuse('fingerprint_differs')],
      ['enforce', reuse('fingerprint_differs')],
      ['off', { outcome: 'recovered', lostSecret: secret(1) }],
    ] as const)('row 16: another fingerprint recovers nothing, in mode %s', (fingerprintMode, expected) => {
      expect(decide(session([[5]]), 0, 60, { fingerprints: ['other'] }, { fingerprintMode })).toEqual(
        expected,
      );
    });

    it('a session without a fingerprint is recovered by any holder of its token', () => {
      const state = session([[5]], { fingerprint: null });
      expect(decide(state, 0, 60, { fingerprints: ['other'] }).outcome).toBe('recovered');
    });

    it('a fingerprint under any key of the ring matches', () => {
      expect(decide(session([[5]]), 0, 60, { fingerprints: ['new key', 'f'] }).outcome).toBe('recovered');
    });
  });

  describe('no verdict right after a standstill', () => {
    it.each([
      ['row 6', session([[1], [2], [3], [4], [5]]), {}, 'beyond_memory'],
      ['row 12', session([[5, 'A']], { confirmedAt: at(6) }), { attempt: 'B' }, 'other_attempt'],
      ['row 16', session([[5]], { confirmedAt: at(6) }), {}, 'successor_confirmed'],
    ] as const)('%s waits after a standstill', (_, state, token, evidence) => {
      expect(decide(state, 0, 100, { ...token, isAfterStandstill: true })).toEqual({
        outcome: 'postponed',
        evidence,
      });
      expect(decide(state, 0, 100, token)).toEqual(reuse(evidence));
    });

    it('anything but an accusation does not wait', () => {
      expect(decide(session([[5]]), 0, 6, { isAfterStandstill: true }).outcome).toBe('replay');
      expect(decide(session([[5]]), 0, 60, { isAfterStandstill: true }).outcome).toBe('recovered');
    });
  });

  describe('damaged storage', () => {
    const broken = { outcome: 'restored', evidence: 'seal_broken' };

    it('damaged seals accuse nobody', () => {
      const state = session([[1], [2]]);
      const [first, second] = state.predecessors;
      if (!first || !second) throw new Error('two predecessors');
      const damaged = { ...state, predecessors: [{ ...first, sealed: second.sealed }, second] };
      expect(decide(damaged, 0, 3)).toEqual(broken);
      const withAttempts = session([[1, 'A']], { abandoned: [] });
      const [only] = withAttempts.predecessors;
      if (!only) throw new Error('a predecessor');
      const other = { ...withAttempts, predecessors: [{ ...only, sealed: second.sealed }] };
      expect(decide(other, 0, 60, { attempt: 'A' })).toEqual(broken);
      expect(decide(other, 0, 60, { attempt: 'B' })).toEqual(broken);
      expect(decide(other, 0, 60, { attempt: 'B', previous: 'A' })).toEqual(broken);
    });

    it('invariant 1: seals that open but do not lead to the current secret give nothing away', () => {
      const elsewhere = { ...session([[1], [2]]), tokenHash: hashSecret(secret(9)) };
      for (const [gen, seconds] of [
        [0, 3],
        [1, 3],
        [1, 3600],
      ] as const)
        expect(decide(elsewhere, gen, seconds)).toEqual(broken);
    });

    it('an abandoned secret is contested within its grace period and accused after it, whatever else was damaged', () => {
      const recovered = reissued(session([[5]]), 'recovered', { gen: 0, next: 2, seconds: 60 });
      const [lost] = recovered.abandoned;
      if (!lost) throw new Error('an abandoned secret');
      const withAttempt = { ...lost, attempt: 'A' };
      for (const damaged of [
        { ...recovered, abandoned: [{ ...withAttempt, sealed: '' }] },
        { ...recovered, abandoned: [withAttempt], predecessors: [] },
      ]) {
        expect(decide(damaged, 1, 70)).toEqual({ outcome: 'contested' });
        expect(decide(damaged, 1, 70.001)).toEqual(reuse('abandoned_presented'));
      }
    });

    it('circular seals do not loop forever', () => {
      const state = session([[1], [2]]);
      const [first, second] = state.predecessors;
      if (!first || !second) throw new Error('two predecessors');
      const back = sealSuccessor(secret(1), secret(0), SID, Buffer.alloc(12, 9));
      const circle = { ...state, predecessors: [first, { ...second, sealed: back }] };
      expect(decide(circle, 0, 3)).toEqual(broken);
    });
  });
});

describe(reissue.name, () => {
  it('keeps the entry in its place, abandons what came after it, and both lead to the new secret', () => {
    const state = session(
      [
        [1, 'A'],
        [2, 'B'],
        [3, 'C'],
      ],
      { confirmedAt: at(4) },
    );
    const healed = reissued(state, 'healed', { gen: 1, next: 9, seconds: 60, attempt: 'D' });
    expect(healed.predecessors.map(({ hash, attempt }) => [hash, attempt])).toEqual([
      [hashSecret(secret(0)), 'A'],
      [hashSecret(secret(1)), 'D'],
    ]);
    expect(healed.abandoned.map(({ hash, attempt, abandonedAt }) => [hash, attempt, abandonedAt])).toEqual([
      [hashSecret(secret(2)), 'C', at(60)],
      [hashSecret(secret(3)), 'D', at(60)],
    ]);
    expect(decide(healed, 1, 61, { attempt: 'D' })).toEqual(replay(9, true));
    // Every earlier secret still leads there, because the client may have fallen back to any of them.
    for (const gen of [0, 1, 2, 3])
      expect(decide(healed, gen, 61, { attempt: 'E', previous: 'D' })).toEqual({
        outcome: 'healed',
        lostSecret: secret(9),
      });
  });

  it('healed: counts as the one displacement, and keeps the last three attempts', () => {
    let state = session([[1, 'A']], { confirmedAt: at(2) });
    for (const [index, attempt] of ['B', 'C', 'D', 'E'].entries())
      state = reissued(state, 'healed', { gen: 0, next: 2 + index, seconds: 60 + index, attempt });
    expect(state.predecessors).toMatchObject([
      { attempt: 'E', formerAttempts: ['B', 'C', 'D'], rotatedAt: at(1), displacedAt: at(60) },
    ]);
    expect(decide(state, 0, 71, { attempt: 'T' })).toEqual(reuse('displaced_twice'));
  });

  it('healed from an abandoned secret: keeps its attempts as well', () => {
    const healed = reissued(
      session([
        [1, 'A'],
        [2, 'B'],
      ]),
      'healed',
      {
        gen: 0,
        next: 3,
        seconds: 60,
        attempt: 'C',
      },
    );
    const again = reissued(healed, 'healed', { gen: 1, next: 4, seconds: 61, attempt: 'D' });
    expect(again.predecessors.at(-1)).toMatchObject({ attempt: 'D', formerAttempts: ['B'] });
    expect(again.abandoned.map(({ hash }) => hash)).toEqual([hashSecret(secret(2)), hashSecret(secret(3))]);
  });

  it('recovered: no displacement, and no attempts', () => {
    const state = reissued(session([[1]]), 'recovered', { gen: 0, next: 2, seconds: 60 });
    expect(state.predecessors[0]).toMatchObject({ displacedAt: null });
    expect(state.predecessors[0]).not.toHaveProperty('formerAttempts');
  });

  it('remembers four abandoned secrets', () => {
    const four = session(
      [
        [1, 'A'],
        [2, 'B'],
        [3, 'C'],
        [4, 'D'],
      ],
      { confirmedAt: at(5) },
    );
    const healed = reissued(four, 'healed', { gen: 0, next: 9, seconds: 60, attempt: 'E' });
    expect(healed.abandoned.map(({ hash }) => hash)).toEqual(
      [1, 2, 3, 4].map((gen) => hashSecret(secret(gen))),
    );
  });

  it('healed from a token that a client without attempts replaced: there is no earlier attempt to keep', () => {
    const healed = reissued(session([[1], [2, 'B']]), 'healed', {
      gen: 0,
      next: 9,
      seconds: 60,
      attempt: 'C',
    });
    expect(healed.predecessors[0]).toMatchObject({ attempt: 'C' });
    expect(healed.predecessors[0]).not.toHaveProperty('formerAttempts');
  });

  it('healed from one of several abandoned secrets: it keeps its own time and attempts, and the others stay', () => {
    const made = [
      [1, 'A'],
      [2, 'B'],
      [3, 'C'],
      [4, 'D'],
    ] as const;
    const once = reissued(session(made), 'healed', { gen: 1, next: 9, seconds: 60, attempt: 'E' });
    expect(once.abandoned.map(({ hash }) => hash)).toEqual([2, 3, 4].map((gen) => hashSecret(secret(gen))));
    const twice = reissued(once, 'healed', { gen: 3, next: 10, seconds: 99, attempt: 'F' });
    expect(twice.predecessors.at(-1)).toMatchObject({
      hash: hashSecret(secret(3)),
      rotatedAt: at(60),
      displacedAt: at(99),
      attempt: 'F',
      formerAttempts: ['D'],
    });
    expect(twice.abandoned.map(({ hash }) => hash)).toEqual([2, 4, 9].map((gen) => hashSecret(secret(gen))));
  });

  it('invariant 8: remembers four predecessors, even if the fifth was abandoned before', () => {
    const four = session([
      [1, 'A'],
      [2, 'B'],
      [3, 'C'],
      [4, 'D'],
      [5, 'E'],
    ]);
    expect(four.predecessors).toHaveLength(4);
    const lost = {
      hash: hashSecret(secret(20)),
      gen: 0,
      sealed: sealSuccessor(secret(20), secret(5), SID, Buffer.alloc(12, 20)),
      attempt: null,
      abandonedAt: at(4),
    };
    const state = { ...four, abandoned: [lost] };
    const healed = reissued(state, 'healed', { gen: 20, next: 30, seconds: 60, attempt: 'F' });
    expect(healed.predecessors.map(({ hash }) => hash)).toEqual(
      [2, 3, 4, 20].map((gen) => hashSecret(secret(gen))),
    );
  });

  it.each([
    [-9, 'contested'],
    [-11, 'displaced'],
    [-3600, 'displaced'],
  ])('%s s before the replacement, as after a step of the clock: %s', (seconds, outcome) => {
    expect(decide(session([[0, 'a']]), 0, seconds, { attempt: 'b' })).toMatchObject({ outcome });
  });

  it.each([-0.3, 0, 0.3])(
    'a grace period or window of 0 never applies, %s s after the replacement',
    (seconds) => {
      const none = { gracePeriodMs: 0, lostResponseWindowMs: 0 };
      expect(decide(session([[0], [0]]), 0, seconds, {}, none)).toMatchObject({ outcome: 'reuse' });
      expect(decide(session([[0]]), 0, seconds, {}, none)).toMatchObject({ outcome: 'reuse' });
      const contested = decide(session([[0, 'a']]), 0, seconds, { attempt: 'b' }, none);
      expect(contested).toMatchObject({ outcome: 'displaced' });
    },
  );
});
