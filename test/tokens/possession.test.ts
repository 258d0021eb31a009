import { beforeEach, describe, expect, it } from '@jest/globals';
import { AuthError } from '../../src/core/errors.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import type { AuthOptions } from '../../src/options/auth-options.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { Possession } from '../../src/tokens/possession.js';
import type { ProofCheck, ProofVerifier } from '../../src/tokens/proof-verifier.js';

const SOURCE = { ip: '192.0.2.1', userAgent: 'test' };
const BOUND = { userId: 'user-1', sessionId: 'session-1', jkt: 'key' };
const CLIENT = { ...SOURCE, fingerprints: [] };

let events: unknown[];
let verifier: { slot: number; newNonce: () => string };

beforeEach(() => {
  events = [];
  verifier = { slot: 10, newNonce: () => 'nonce' };
});

function possession(senderConstraint: 'off' | 'optional' | 'required' = 'optional'): Possession {
  const options: AuthOptions = {
    issuer: 'https://issuer.example.com',
    keys: { access: ['TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d'], refresh: ['nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk'] },
    refreshToken: { senderConstraint },
  };
  const bus = new AuthEventBus(null);
  bus.emit = async (name, payload) => void events.push({ name, payload });
  return new Possession(resolveOptions(options), verifier as ProofVerifier, bus);
}

const valid = (id = 'proof-1', jkt = 'key'): ProofCheck => ({ outcome: 'valid', jkt, id });
const outdated = (jkt = 'key'): ProofCheck => ({ outcome: 'nonce_outdated', jkt });
const failed: ProofCheck = { outcome: 'failed', reason: 'proof_signature', detail: 'why' };

/** The refusal as the client or the log sees it. */
function refusalOf(work: () => unknown) {
  try {
    work();
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    const { code, proofNonce, detail } = error;
    return { code, proofNonce, detail };
  }
  throw new Error('it was not refused');
}
const REQUIRED = { code: 'PROOF_REQUIRED', proofNonce: 'nonce', detail: undefined };
const WITH_NONCE = { code: 'PROOF_NONCE_REQUIRED', proofNonce: 'nonce', detail: undefined };

describe('the key of a new session', () => {
  it.each([
    ['off', undefined, null],
    ['off', valid(), null],
    ['optional', undefined, null],
    ['optional', valid(), 'key'],
    ['required', valid(), 'key'],
  ] as const)('senderConstraint %s, with %j: %s', (constraint, check, expected) => {
    const client = check ? { ...CLIENT, proof: () => check } : CLIENT;
    expect(possession(constraint).keyOfNewSession(client)).toBe(expected);
  });

  it.each(['optional', 'required'] as const)(
    'an invalid proof is refused, not ignored (%s): its client believes that the session is bound',
    (constraint) => {
      const refused = (check: ProofCheck) =>
        refusalOf(() => possession(constraint).keyOfNewSession({ ...CLIENT, proof: () => check }));
      expect(refused(failed)).toEqual({ ...REQUIRED, detail: 'why' });
      expect(refused(outdated())).toEqual(WITH_NONCE);
    },
  );

  it('if proofs are required, a login without one is refused with a nonce for the next attempt', () => {
    expect(refusalOf(() => possession('required').keyOfNewSession(CLIENT))).toEqual(REQUIRED);
  });
});

describe('the holder of a bound session', () => {
  const failure = (reason: string) => ({
    name: 'refresh_token.proof_failed',
    payload: { userId: 'user-1', sessionId: 'session-1', reason, source: SOURCE },
  });

  it('an unbound session requires nothing and ignores proofs', () => {
    const proof = () => {
      throw new Error('it was asked');
    };
    expect(possession().assertHolder({ ...BOUND, jkt: null }, proof, SOURCE)).toBeNull();
  });

  it('the proof of its key is returned, so that the session can remember it', () => {
    expect(possession().assertHolder(BOUND, () => valid(), SOURCE)).toBe('proof-1');
    expect(events).toEqual([]);
  });

  it('a bound session stays bound, whatever the option says later', () => {
    expect(refusalOf(() => possession('off').assertHolder(BOUND, undefined, SOURCE))).toEqual(REQUIRED);
  });

  it.each<[string, ProofCheck | undefined, object, string]>([
    ['no proof', undefined, REQUIRED, 'proof_missing'],
    ['an invalid proof', failed, { ...REQUIRED, detail: 'why' }, 'proof_signature'],
    ['a stolen cookie with a proof by the thief’s own key', valid('x', 'thief'), REQUIRED, 'other_key'],
    ['the same, with an outdated nonce', outdated('thief'), REQUIRED, 'other_key'],
  ])('%s is refused, and reported', (_what, check, refusal, reason) => {
    const proof = check && (() => check);
    expect(refusalOf(() => possession().assertHolder(BOUND, proof, SOURCE))).toEqual(refusal);
    expect(events).toEqual([failure(reason)]);
  });

  it('an outdated nonce is not a failure: the client signs again', () => {
    const holders = possession();
    for (const _ of ['at first', 'again, by a retry'])
      expect(refusalOf(() => holders.assertHolder(BOUND, () => outdated(), SOURCE))).toEqual(WITH_NONCE);
    expect(events).toEqual([]);
  });

  it("an intercepted proof is worthless, within its nonce's time slot and after it", () => {
    const holders = possession();
    holders.assertHolder(BOUND, () => valid(), SOURCE);
    for (const slot of [10, 11, 12]) {
      verifier.slot = slot;
      expect(refusalOf(() => holders.assertHolder(BOUND, () => valid(), SOURCE))).toEqual(WITH_NONCE);
    }
    expect(events).toEqual([1, 2, 3].map(() => failure('proof_replayed')));
    expect(holders.assertHolder(BOUND, () => valid('proof-2'), SOURCE)).toBe('proof-2');
  });

  it('guard and service may both check the same request', () => {
    const holders = possession();
    const check = valid();
    expect(holders.assertHolder(BOUND, () => check, SOURCE)).toBe('proof-1');
    expect(holders.assertHolder(BOUND, () => check, SOURCE)).toBe('proof-1');
  });

  it('a proof that another process has accepted is refused, and reported', () => {
    expect(refusalOf(() => possession().refuseReplayed(BOUND, SOURCE))).toEqual(WITH_NONCE);
    expect(events).toEqual([failure('proof_replayed')]);
  });
});

describe('the holder of a bound access token', () => {
  it('needs a new proof of its key', () => {
    const holders = possession();
    holders.assertTokenHolder('key', () => valid());
    expect(refusalOf(() => holders.assertTokenHolder('key', () => valid()))).toEqual(WITH_NONCE);
    expect(refusalOf(() => holders.assertTokenHolder('key', undefined))).toEqual(REQUIRED);
    expect(refusalOf(() => holders.assertTokenHolder('key', () => valid('y', 'thief')))).toEqual(REQUIRED);
    expect(refusalOf(() => holders.assertTokenHolder('key', () => outdated()))).toEqual(WITH_NONCE);
    // Guarded requests are many, so they emit no event.
    expect(events).toEqual([]);
  });
});
