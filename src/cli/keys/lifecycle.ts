import { historyOf, type StoredKey, withHistory } from './stored-key.js';

/** `waiting`: known, and has not signed yet. `replaced`: signs no more, its tokens may live. */
export type KeyState = 'signing' | 'waiting' | 'replaced';

export interface Timing {
  readonly now: Date;
  /** Within this time after a change every process and every cache of the key set knows it. */
  readonly propagationMs: number;
  /** How long a token lives after it was signed. */
  readonly lifetimeMs: number;
}

export interface Choice {
  /** The key that is meant; null: whichever is due. */
  readonly kid: string | null;
  /** Whether a step is taken before it is safe. */
  readonly force: boolean;
}

/** A step: the keys after it and those it was about, or why it is not taken. */
export type Step =
  | { readonly outcome: 'done'; readonly keys: StoredKey[]; readonly about: readonly StoredKey[] }
  | { readonly outcome: 'refused'; readonly why: string; readonly yieldsToForce: boolean };

export function stateOf(keys: readonly StoredKey[], key: StoredKey): KeyState {
  if (keys[0] === key) return 'signing';
  return historyOf(key).signedUntil === undefined ? 'waiting' : 'replaced';
}

/** From when on a waiting key may sign: a token by a key that some process does not know would be refused there. */
export function signsSafelyFrom(key: StoredKey, { propagationMs }: Timing): Date {
  return new Date(Date.parse(historyOf(key).knownSince) + propagationMs);
}

/** From when on no token of a replaced key lives; null for a key that signs. */
export function retiresSafelyFrom(key: StoredKey, { propagationMs, lifetimeMs }: Timing): Date | null {
  const { signsSince, signedUntil, knownSince } = historyOf(key);
  if (signedUntil !== undefined) return new Date(Date.parse(signedUntil) + propagationMs + lifetimeMs);
  return signsSince === undefined ? new Date(knownSince) : null;
}

/** Phase one: the new key is known, and signs nothing yet. The first key of all signs at once. */
export function generate(keys: readonly StoredKey[], made: StoredKey, now: Date, force: boolean): Step {
  if (keys.length === 0) {
    const signing = withHistory(made, { ...historyOf(made), signsSince: now.toISOString() });
    return done([signing], [signing]);
  }
  const waiting = keys.find((key) => stateOf(keys, key) === 'waiting');
  return waiting && !force
    ? refused(`${waiting.kid} waits to sign already: rotate to it first`, true)
    : done([...keys, made], [made]);
}

/** Phase two: a waiting key signs, and the one that signed stays to verify. */
export function rotate(keys: readonly StoredKey[], choice: Choice, timing: Timing): Step {
  const { kid, force } = choice;
  const next = kid === null ? keys.findLast((key) => stateOf(keys, key) === 'waiting') : find(keys, kid);
  if (!next)
    return refused(kid === null ? 'no key waits to sign: generate one first' : `there is no key ${kid}`);
  const [signing, ...others] = keys;
  if (!signing || next === signing) return refused(`${next.kid} signs already`);
  const safeFrom = signsSafelyFrom(next, timing);
  if (timing.now < safeFrom && !force)
    return refused(`not everybody knows ${next.kid} before ${safeFrom.toISOString()}`, true);
  const at = timing.now.toISOString();
  const promoted = withHistory(next, { knownSince: historyOf(next).knownSince, signsSince: at });
  const replaced = withHistory(signing, { ...historyOf(signing), signedUntil: at });
  return done([promoted, replaced, ...others.filter((key) => key !== next)], [promoted, replaced]);
}

/** Phase three: keys leave whose last token has expired. */
export function retire(keys: readonly StoredKey[], choice: Choice, timing: Timing): Step {
  const { kid, force } = choice;
  const named = kid === null ? null : find(keys, kid);
  if (kid !== null && !named) return refused(`there is no key ${kid}`);
  const candidates = named ? [named] : keys.filter((key) => stateOf(keys, key) === 'replaced');
  if (candidates.length === 0) return refused('no key was replaced: there is nothing to retire');
  const leaving = force ? candidates : candidates.filter((key) => isDead(key, timing));
  if (leaving.length === 0) return refused(candidates.map((key) => whyAlive(key, timing)).join('; '), true);
  const left = keys.filter((key) => !leaving.includes(key));
  return left.length === 0 ? refused('it is the only key: generate another one first') : done(left, leaving);
}

function isDead(key: StoredKey, timing: Timing): boolean {
  const safeFrom = retiresSafelyFrom(key, timing);
  return safeFrom !== null && safeFrom <= timing.now;
}

function whyAlive(key: StoredKey, timing: Timing): string {
  const safeFrom = retiresSafelyFrom(key, timing);
  return safeFrom === null
    ? `${key.kid} signs: rotate to another key first`
    : `tokens of ${key.kid} may live until ${safeFrom.toISOString()}`;
}

function find(keys: readonly StoredKey[], kid: string): StoredKey | undefined {
  return keys.find((key) => key.kid === kid);
}

function done(keys: StoredKey[], about: readonly StoredKey[]): Step {
  return { outcome: 'done', keys, about };
}

function refused(why: string, yieldsToForce = false): Step {
  return { outcome: 'refused', why, yieldsToForce };
}
