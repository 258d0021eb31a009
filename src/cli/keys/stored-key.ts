import type { KeyInput } from '../../options/keys/key-spec.js';
import { describeKey } from '../../tokens/keys/describe-key.js';
import { KeyFileError } from '../../tokens/keys/key-set.js';

/** What the command remembers of a key, in the key's own entry of the set. Times are ISO 8601. */
export interface KeyHistory {
  /** Since when it is in the set. */
  knownSince: string;
  /** Since when it signs or has signed. */
  signsSince?: string;
  /** When another key took its place; its tokens live on. */
  signedUntil?: string;
}

/** A member of our own (RFC 7517 §4: what others do not understand they ignore). */
const HISTORY = 'silent_auth';

/** An entry of a key file. Of the list, the first signs. */
export type StoredKey = Exclude<KeyInput, string> & { kid: string; alg: string; [HISTORY]: KeyHistory };

export function historyOf(key: StoredKey): KeyHistory {
  return key[HISTORY];
}

export function withHistory(key: StoredKey, history: KeyHistory): StoredKey {
  return { ...key, [HISTORY]: history };
}

/** A key of which nothing is known yet but that it is new. */
export function newStoredKey(input: Exclude<KeyInput, string>, now: Date): StoredKey {
  const described = describeKey(input);
  if ('problem' in described) throw new KeyFileError(described.problem);
  const { kid, alg } = described;
  return { ...input, kid, alg, use: 'sig', [HISTORY]: { knownSince: now.toISOString() } };
}

/**
 * The entries of a file in the command's own form: with id, algorithm and history. Whatever was done by hand was done when
 * the file last changed, at the latest; a key beyond the first may have signed until then.
 */
export function storedKeys(entries: readonly KeyInput[], changedAt: Date): StoredKey[] {
  return entries.map((entry, index) => {
    const key = newStoredKey(typeof entry === 'string' ? secretJwk(entry) : entry, changedAt);
    const at = changedAt.toISOString();
    const known = (entry as Partial<StoredKey>)[HISTORY];
    const { knownSince = at, signsSince, signedUntil } = isHistory(known) ? known : {};
    if (index === 0) return withHistory(key, { knownSince, signsSince: signsSince ?? at });
    const hasSigned = known === undefined || signsSince !== undefined;
    return withHistory(key, {
      knownSince,
      ...(signsSince === undefined ? {} : { signsSince }),
      ...(hasSigned ? { signedUntil: signedUntil ?? at } : {}),
    });
  });
}

/** The same key by the same id, so that its tokens stay good. */
function secretJwk(secret: string): Exclude<KeyInput, string> {
  return { kty: 'oct', k: Buffer.from(secret, 'utf8').toString('base64url') };
}

function isHistory(value: unknown): value is KeyHistory {
  const times = typeof value === 'object' && value !== null ? Object.values(value) : [null];
  return times.every((time) => typeof time === 'string' && !Number.isNaN(Date.parse(time)));
}
