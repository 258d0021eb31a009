import type { KeyInput } from '../../options/keys/key-spec.js';
import { describeKey } from '../../tokens/keys/describe-key.js';
import { KeyFileError } from '../../tokens/keys/key-set.js';

/** The history of a key, stored in the key's own entry of the set. Times are ISO 8601. */
export interface KeyHistory {
  /** Since when it is in the set. */
  knownSince: string;
  /** When it began to sign. */
  signsSince?: string;
  /** When another key replaced it; its tokens may still be valid. */
  signedUntil?: string;
}

/** A private member of the JWK; other software ignores it (RFC 7517 §4). */
const HISTORY = 'silent_auth';

/** An entry of a key file. The first entry signs. */
export type StoredKey = Exclude<KeyInput, string> & { kid: string; alg: string; [HISTORY]: KeyHistory };

export function historyOf(key: StoredKey): KeyHistory {
  return key[HISTORY];
}

export function withHistory(key: StoredKey, history: KeyHistory): StoredKey {
  return { ...key, [HISTORY]: history };
}

/** A key without a history, known since `now`. */
export function newStoredKey(input: Exclude<KeyInput, string>, now: Date): StoredKey {
  const described = describeKey(input);
  if ('problem' in described) throw new KeyFileError(described.problem);
  const { kid, alg } = described;
  return { ...input, kid, alg, use: 'sig', [HISTORY]: { knownSince: now.toISOString() } };
}

/**
 * The entries of a file with id, algorithm and history. For entries that were added by hand, the last change of the file is
 * the latest possible time; such a key, unless it is the first, may have signed until then.
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

/** The same key with the same id, so that its tokens stay valid. */
function secretJwk(secret: string): Exclude<KeyInput, string> {
  return { kty: 'oct', k: Buffer.from(secret, 'utf8').toString('base64url') };
}

function isHistory(value: unknown): value is KeyHistory {
  const times = typeof value === 'object' && value !== null ? Object.values(value) : [null];
  return times.every((time) => typeof time === 'string' && !Number.isNaN(Date.parse(time)));
}
