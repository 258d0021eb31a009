import { FINGERPRINT_FEATURES, type FingerprintFeature } from '../core/fingerprint.js';
import { derivedKeys } from './keys/derived-keys.js';
import { isRefusedSecret } from './keys/guessable-secret.js';
import { MIN_SECRET_BYTES, type RingKey } from './keys/key-spec.js';
import { type OptionReader, show } from './option-reader.js';

export interface FingerprintOptions {
  /**
   * What a refresh from a request unlike the session's does: `off` nothing, `report` an event, `enforce` 403 and the end
   * of the session. After `report` the session belongs to the new browser. Recovery of lost responses needs the fingerprint
   * of the client that asks for them, in every mode but `off`.
   * @default 'report'
   */
  mode?: 'off' | 'report' | 'enforce';
  /**
   * Which traits of a request count; also `accept-encoding`, `sec-ch-ua` and `address`. Of a user agent the browser and the
   * platform count, of `accept-language` the first language, of `sec-ch-ua` the brands without versions, so updates change
   * nothing; `accept-encoding` counts as it is.
   * @default ['user-agent', 'accept-language', 'sec-ch-ua-platform']
   */
  features?: readonly FingerprintFeature[];
  /**
   * Key of the fingerprint, at least 32 bytes.
   * @default derived from each refresh key
   */
  key?: string;
}

export function readFingerprint(read: OptionReader<FingerprintOptions>, refreshKeys: readonly RingKey[]) {
  return {
    mode: read.choice('mode', 'report', ['off', 'report', 'enforce']),
    features: readFeatures(read),
    keys: readKeys(read, refreshKeys),
    /** Whether they change with the refresh keys. */
    areKeysDerived: read.given('key') === undefined,
  };
}

function readFeatures(read: OptionReader<FingerprintOptions>): readonly FingerprintFeature[] {
  const chosen = read.texts('features', ['user-agent', 'accept-language', 'sec-ch-ua-platform']);
  return chosen.filter((feature): feature is FingerprintFeature => {
    const isKnown = (FINGERPRINT_FEATURES as readonly string[]).includes(feature);
    if (!isKnown) read.refuse('features', `give some of ${FINGERPRINT_FEATURES.join(', ')}`, show(feature));
    return isKnown;
  });
}

function readKeys(
  read: OptionReader<FingerprintOptions>,
  refreshKeys: readonly RingKey[],
): readonly Uint8Array[] {
  const key = read.given('key');
  if (key === undefined) return derivedKeys(refreshKeys, 'fingerprint');
  const bytes = typeof key === 'string' ? Buffer.from(key) : null;
  if (bytes !== null && bytes.length >= MIN_SECRET_BYTES && !isRefusedSecret(bytes)) return [bytes];
  read.refuse('key', `give at least ${MIN_SECRET_BYTES} random bytes`, '(secret)');
  return [];
}
