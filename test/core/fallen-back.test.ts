import { expect, it } from '@jest/globals';
import { reissue } from '../../src/core/reissue.js';
import {
  decideRotation,
  MAX_PREDECESSORS,
  type PresentedToken,
  type RotationState,
} from '../../src/core/rotation.js';
import { hashSecret, NONCE_BYTES, sealSuccessor } from '../../src/core/successor-seal.js';

const SID = '65a000000000000000000001';
const NOW = new Date('2026-01-01T00:00:00Z');
const POLICY = { gracePeriodMs: 10_000, lostResponseWindowMs: 604_800_000, fingerprintMode: 'off' } as const;
const FURTHEST = 4;

const secret = (gen: number) => Buffer.alloc(32, gen + 1).toString('base64url');
const nonce = (refresh: number, which: number) => Buffer.alloc(NONCE_BYTES, 2 * refresh + which);

const LOGIN: RotationState = {
  id: SID,
  generation: 0,
  tokenHash: hashSecret(secret(0)),
  predecessors: [],
  abandoned: [],
  rotatedAt: NOW,
  confirmedAt: null,
  expiresAt: new Date(NOW.getTime() + 604_800_000),
  fingerprint: null,
  revokedAt: null,
  revokedReason: null,
};

/** The session after the client presented a generation, with the attempt that it drew for that; null if it was refused. */
function presented(state: RotationState, gen: number): RotationState | null {
  const { generation, tokenHash } = state;
  const next = generation + 1;
  const attempt = String(next);
  const made = { ...state, generation: next, tokenHash: hashSecret(secret(next)) };
  if (gen === generation) {
    const sealed = sealSuccessor(secret(gen), secret(next), SID, nonce(next, 0));
    const entry = { hash: tokenHash, gen, sealed, rotatedAt: NOW, attempt, displacedAt: null };
    return { ...made, predecessors: [...state.predecessors, entry].slice(-MAX_PREDECESSORS) };
  }
  const previous = String(generation);
  const presentedSecret = secret(gen);
  const sides = { fingerprints: [], hasHungUp: false, isAfterStandstill: false };
  const token: PresentedToken = { secret: presentedSecret, gen, attempt, previous, ...sides };
  const decision = decideRotation(state, token, NOW, POLICY);
  if (decision.outcome !== 'healed') return null;
  const former = reissue({
    session: state,
    decision,
    presentedSecret,
    presentedGen: gen,
    nextSecret: secret(next),
    nonces: [nonce(next, 0), nonce(next, 1)],
    attempt,
    now: NOW,
  });
  return { ...made, ...former };
}

/** Every story of so many refreshes in which one is refused: the generations that the client presented. */
function refused(refreshes: number, state = LOGIN, story: readonly number[] = []): (readonly number[])[] {
  if (story.length === refreshes) return [];
  const found: (readonly number[])[] = [];
  for (let gen = Math.max(0, state.generation - FURTHEST); gen <= state.generation; gen += 1) {
    const after = presented(state, gen);
    if (after) found.push(...refused(refreshes, after, [...story, gen]));
    else found.push([...story, gen]);
  }
  return found;
}

/** No shorter story is refused if former secrets are forgotten by age instead of by generation. */
it('invariant 2: a stored token that falls back again and again is never refused, in any order of 8 refreshes', () => {
  expect(refused(8)).toEqual([]);
});
