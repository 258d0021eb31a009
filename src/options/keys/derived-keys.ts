import { hkdfSync } from 'node:crypto';
import type { RingKey } from './key-spec.js';

/** One key for each refresh key. A match with any of them counts, so a key rotation invalidates nothing. */
export function derivedKeys(refreshKeys: readonly RingKey[], purpose: string): Uint8Array[] {
  return refreshKeys.flatMap(({ signingKey }) => {
    if (!signingKey) return [];
    const material =
      signingKey.type === 'secret'
        ? signingKey.export()
        : signingKey.export({ format: 'der', type: 'pkcs8' });
    return [new Uint8Array(hkdfSync('sha256', material, '', purpose, 32))];
  });
}
