import { FINGERPRINT_FEATURES, type FingerprintFeature } from '../core/fingerprint.js';
import { derivedKeys } from './keys/derived-keys.js';
import { isRefusedSecret } from './keys/guessable-secret.js';
import { MIN_SECRET_BYTES, type RingKey } from './keys/key-spec.js';
import { type OptionReader, show } from './option-reader.js';

export interface FingerprintOptions {
  /**
   * What happens at a refresh whose fingerprint differs from the session's: `off` (nothing), `report` (an event) or `enforce`
   * (403, and the session ends). After `report`, the session belongs to the new browser. In every mode but `off`, a lost
   * response can be recovered only with the session's fingerprint.
   * @default 'report'
   */
  mode?: 'off' | 'report' | 'enforce';
  /**
   * The request traits that make up the fingerprint; also `accept-encoding`, `sec-ch-ua` and `address`. Only stable parts
   * count, so updates change nothing: browser and platform of the user agent, the first language of `accept-language`, the
   * brands in `sec-ch-ua` without versions. `accept-encoding` counts as it is.
   * @default ['user-agent', 'accept-language', 'sec-ch-ua-platform']
   */
  features?: readonly FingerprintFeature[];
  /**
   * Key of the fingerprint's HMAC, at least 32 bytes.
   * @default derived from each refresh key
   */
  key?: string;
}

export function readFingerprint(read: OptionReader<FingerprintOptions>, refreshKeys: readonly RingKey[]) {
  return {
    mode: read.choice('mode', 'report', ['off', 'report', 'enforce']),
    features: readFeatures(read),
    keys: readKeys(read, refreshKeys),
    /** Whether the keys are derived from the refresh keys and change with them. */
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
