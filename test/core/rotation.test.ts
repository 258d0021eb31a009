import { describe, expect, it } from '@jest/globals';
import { decideRotation, type RotationPolicy, type RotationState } from '../../src/core/rotation.js';
import { hashSecret, sealSuccessor } from '../../src/core/successor-seal.js';

const SID = '65a000000000000000000001';
const T0 = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number) => new Date(T0 + seconds * 1000);
const secret = (index: number) => Buffer.alloc(32, index + 1).toString('base64url');
const POLICY: RotationPolicy = {
  gracePeriodMs: 10_000,
  lostResponseWindowMs: 86_400_000,
  fingerprintMode: 'report',
};

/** A session whose generation `g` was made at second `madeAt[g]`; generation 0 is the login. */
function session(madeAt: readonly number[], over: Partial<RotationState> = {}): RotationState {
  const generation = madeAt.length - 1;
  const predecessors = madeAt.slice(1).map((seconds, index) => ({
    hash: hashSecret(secret(index)),
    sealed: sealSuccessor(secret(index), secret(index + 1), SID, Buffer.alloc(12, index)),
    rotatedAt: at(seconds),
  }));
  return {
    id: SID,
    generation,
    tokenHash: hashSecret(secret(generation)),
    predecessors: predecessors.slice(-4),
    confirmedAt: null,
    recoveredAt: null,
    expiresAt: at(7 * 86_400),
    fingerprint: 'f',
    revokedAt: null,
    revokedReason: null,
    ...over,
  };
}

const present = (gen: number, fingerprint = 'f') => ({
  secret: secret(gen),
  gen,
  fingerprints: [fingerprint],
});

function decide(
  state: RotationState | null,
  gen: number,
  seconds: number,
  policy: Partial<RotationPolicy> = {},
) {
  return decideRotation(state, present(gen), at(seconds), { ...POLICY, ...policy });
}

describe(decideRotation.name, () => {
  it('knows no session: unknown', () => {
    expect(decide(null, 0, 1)).toEqual({ outcome: 'unknown' });
  });

  it('a revoked session yields nothing, whatever is presented, and says why', () => {
    const revoked = session([0, 5], { revokedAt: at(6), revokedReason: 'replaced' });
    for (const gen of [0, 1, 7])
      expect(decide(revoked, gen, 7)).toEqual({ outcome: 'revoked', reason: 'replaced' });
  });

  it('an expired session yields nothing, at the very moment of its expiry too', () => {
    const state = session([0, 5], { expiresAt: at(60) });
    expect(decide(state, 1, 60)).toEqual({ outcome: 'expired' });
    expect(decide(state, 1, 61)).toEqual({ outcome: 'expired' });
    expect(decide(state, 1, 59.999)).toEqual({ outcome: 'retry' });
  });

  it('the current secret met another write: retry', () => {
    expect(decide(session([0, 5]), 1, 6)).toEqual({ outcome: 'retry' });
  });

  describe('within the grace period', () => {
    it.each([
      ['at once', 5],
      ['at its end', 15],
      ['seen from a process whose clock is behind', 1],
    ])('%s: replay of the current token', (_, seconds) => {
      expect(decide(session([0, 5]), 0, seconds)).toEqual({ outcome: 'replay', secret: secret(1) });
    });

    it('is not shortened by a confirmation: the other tab was just faster', () => {
      expect(decide(session([0, 5], { confirmedAt: at(5) }), 0, 14)).toEqual({
        outcome: 'replay',
        secret: secret(1),
      });
    });

    it('opens seal after seal, four generations back', () => {
      const state = session([0, 1, 2, 3, 4]);
      for (const gen of [0, 1, 2, 3])
        expect(decide(state, gen, 5)).toEqual({ outcome: 'replay', secret: secret(4) });
    });

    it('each predecessor counts from its own replacement, not from the latest', () => {
      const state = session([0, 1, 8, 14], { confirmedAt: null });
      expect(decide(state, 0, 12)).toEqual({ outcome: 'reuse', evidence: 'successor_replaced' });
      expect(decide(state, 1, 12)).toEqual({ outcome: 'replay', secret: secret(3) });
    });

    it('ignores the fingerprint: a race is decided by time', () => {
      const decision = decideRotation(session([0, 5]), present(0, 'other'), at(6), POLICY);
      expect(decision).toEqual({ outcome: 'replay', secret: secret(1) });
    });
  });

  describe('after the grace period', () => {
    it('a lost response is recovered while nobody has used the successor', () => {
      expect(decide(session([0, 5]), 0, 3600)).toEqual({
        outcome: 'recovered',
        secret: secret(1),
        repeated: false,
      });
    });

    it('a second recovery of one generation is recovered, and marked', () => {
      const state = session([0, 5], { recoveredAt: at(100) });
      expect(decide(state, 0, 105)).toEqual({ outcome: 'replay', secret: secret(1) });
      expect(decide(state, 0, 111)).toEqual({ outcome: 'recovered', secret: secret(1), repeated: true });
    });

    it('the grace of a recovery is for the last predecessor alone', () => {
      const state = session([0, 5, 50], { recoveredAt: at(100) });
      expect(decide(state, 0, 101)).toEqual({ outcome: 'reuse', evidence: 'successor_replaced' });
    });

    it('a theft: the successor was confirmed', () => {
      const state = session([0, 5], { confirmedAt: at(6) });
      expect(decide(state, 0, 15.001)).toEqual({ outcome: 'reuse', evidence: 'successor_confirmed' });
    });

    it('a confirmed successor ends the grace of an earlier recovery only when that is over', () => {
      const state = session([0, 5], { confirmedAt: at(101), recoveredAt: at(100) });
      expect(decide(state, 0, 110)).toEqual({ outcome: 'replay', secret: secret(1) });
      expect(decide(state, 0, 110.001)).toEqual({ outcome: 'reuse', evidence: 'successor_confirmed' });
    });

    it('an earlier one than the last predecessor is reuse: its successor was presented, hence used', () => {
      expect(decide(session([0, 5, 20]), 0, 31)).toEqual({
        outcome: 'reuse',
        evidence: 'successor_replaced',
      });
    });

    it('the window of recovery ends, and 0 turns it off', () => {
      const state = session([0, 5]);
      expect(decide(state, 0, 105, { lostResponseWindowMs: 100_000 }).outcome).toBe('recovered');
      const elapsed = { outcome: 'reuse', evidence: 'lost_response_window_elapsed' };
      expect(decide(state, 0, 105.001, { lostResponseWindowMs: 100_000 })).toEqual(elapsed);
      expect(decide(state, 0, 16, { lostResponseWindowMs: 0 })).toEqual(elapsed);
    });

    it.each([
      ['report', { outcome: 'reuse', evidence: 'fingerprint_differs' }],
      ['enforce', { outcome: 'reuse', evidence: 'fingerprint_differs' }],
      ['off', { outcome: 'recovered', secret: secret(1), repeated: false }],
    ] as const)('another fingerprint recovers nothing, in mode %s', (fingerprintMode, expected) => {
      const policy = { ...POLICY, fingerprintMode };
      expect(decideRotation(session([0, 5]), present(0, 'other'), at(60), policy)).toEqual(expected);
    });

    it('a fingerprint under any key of the ring matches', () => {
      const token = { ...present(0), fingerprints: ['new key', 'f'] };
      expect(decideRotation(session([0, 5]), token, at(60), POLICY).outcome).toBe('recovered');
    });
  });

  describe('a secret that the session does not know', () => {
    const stranger = (gen: number) => ({ secret: secret(200), gen, fingerprints: ['f'] });

    it('of a generation still to come, or of this one: the store was restored', () => {
      expect(decideRotation(session([0, 5]), stranger(2), at(6), POLICY)).toEqual({
        outcome: 'restored',
        evidence: 'generation_ahead',
      });
      expect(decideRotation(session([0, 5]), stranger(1), at(6), POLICY)).toEqual({
        outcome: 'restored',
        evidence: 'secret_differs',
      });
    });

    it('of a generation beyond memory: reuse', () => {
      const state = session([0, 1, 2, 3, 4, 5]);
      expect(decide(state, 0, 6)).toEqual({ outcome: 'reuse', evidence: 'beyond_memory' });
    });
  });

  it('damaged seals accuse nobody', () => {
    const state = session([0, 1, 2]);
    const [first, second] = state.predecessors;
    if (!first || !second) throw new Error('two predecessors');
    const damaged = { ...state, predecessors: [{ ...first, sealed: second.sealed }, second] };
    expect(decide(damaged, 0, 3)).toEqual({ outcome: 'restored', evidence: 'seal_broken' });
  });
});
