import { historyOf, type StoredKey, withHistory } from './stored-key.js';

/** `waiting`: verifies and has not signed yet. `replaced`: no longer signs, but its tokens may still be valid. */
export type KeyState = 'signing' | 'waiting' | 'replaced';

export interface Timing {
  readonly now: Date;
  /** Time until every process and every cache of the key set has a change. */
  readonly propagationMs: number;
  /** Lifetime of a token. */
  readonly lifetimeMs: number;
}

export interface Choice {
  /** The chosen key; null for the one that is due. */
  readonly kid: string | null;
  /** Whether to take the step before it is safe. */
  readonly force: boolean;
}

/** A step: the new list of keys and the keys that changed, or why it is refused. */
export type Step =
  | { readonly outcome: 'done'; readonly keys: StoredKey[]; readonly about: readonly StoredKey[] }
  | { readonly outcome: 'refused'; readonly why: string; readonly canBeForced: boolean };

export function stateOf(keys: readonly StoredKey[], key: StoredKey): KeyState {
  if (keys[0] === key) return 'signing';
  return historyOf(key).signedUntil === undefined ? 'waiting' : 'replaced';
}

/** When a waiting key may sign: before that, a process without the key would refuse its tokens. */
export function signsSafelyFrom(key: StoredKey, { propagationMs }: Timing): Date {
  return new Date(Date.parse(historyOf(key).knownSince) + propagationMs);
}

/** When all tokens of a replaced key have expired; null for a key that signs. */
export function retiresSafelyFrom(key: StoredKey, { propagationMs, lifetimeMs }: Timing): Date | null {
  const { signsSince, signedUntil, knownSince } = historyOf(key);
  if (signedUntil !== undefined) return new Date(Date.parse(signedUntil) + propagationMs + lifetimeMs);
  return signsSince === undefined ? new Date(knownSince) : null;
}

/** Phase one: adds a key that does not sign yet. The very first key signs at once. */
export function generate(keys: readonly StoredKey[], made: StoredKey, now: Date, force: boolean): Step {
  if (keys.length === 0) {
    const signing = withHistory(made, { ...historyOf(made), signsSince: now.toISOString() });
    return done([signing], [signing]);
  }
  const waiting = keys.find((key) => stateOf(keys, key) === 'waiting');
  return waiting && !force
    ? refused(`${waiting.kid} is already waiting to sign: rotate to it first`, true)
    : done([...keys, made], [made]);
}

/** Phase two: a waiting key signs, and the previous one still verifies. */
export function rotate(keys: readonly StoredKey[], choice: Choice, timing: Timing): Step {
  const { kid, force } = choice;
  const next = kid === null ? keys.findLast((key) => stateOf(keys, key) === 'waiting') : find(keys, kid);
  if (!next)
    return refused(kid === null ? 'no key is waiting to sign: generate one first' : `there is no key ${kid}`);
  const [signing, ...others] = keys;
  if (!signing || next === signing) return refused(`${next.kid} already signs`);
  const safeFrom = signsSafelyFrom(next, timing);
  if (timing.now < safeFrom && !force)
    return refused(`some processes may not have ${next.kid} before ${safeFrom.toISOString()}`, true);
  const at = timing.now.toISOString();
  const promoted = withHistory(next, { knownSince: historyOf(next).knownSince, signsSince: at });
  const replaced = withHistory(signing, { ...historyOf(signing), signedUntil: at });
  return done([promoted, replaced, ...others.filter((key) => key !== next)], [promoted, replaced]);
}

/** Phase three: removes keys whose last token has expired. */
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
    : `tokens of ${key.kid} may be valid until ${safeFrom.toISOString()}`;
}

function find(keys: readonly StoredKey[], kid: string): StoredKey | undefined {
  return keys.find((key) => key.kid === kid);
}

function done(keys: StoredKey[], about: readonly StoredKey[]): Step {
  return { outcome: 'done', keys, about };
}

function refused(why: string, canBeForced = false): Step {
  return { outcome: 'refused', why, canBeForced };
}
