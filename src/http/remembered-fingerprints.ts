import { LRUCache } from 'lru-cache';
import { fingerprints, rawTraits, type RequestTraits } from '../core/fingerprint.js';
import type { ResolvedAuthOptions } from '../options/resolve-options.js';
import type { KeyRing } from '../tokens/keys/key-ring.js';

const MAX_REMEMBERED = 1000;
/** Longer headers are rare, and would fill the memory. */
const MAX_LENGTH = 1000;

/** The fingerprints of requests under the keys of the ring. The latest are remembered, since clients send the same headers again. */
export class RememberedFingerprints {
  private readonly known = new LRUCache<string, readonly string[]>({ max: MAX_REMEMBERED });

  constructor(
    private readonly options: Pick<ResolvedAuthOptions['fingerprint'], 'mode' | 'features'>,
    private readonly keyRing: Pick<KeyRing, 'fingerprintKeys' | 'onChange'>,
  ) {
    keyRing.onChange(() => this.known.clear());
  }

  /** Empty if fingerprints are off. */
  of(traits: RequestTraits): readonly string[] {
    const { mode, features } = this.options;
    if (mode === 'off') return [];
    const text = rawTraits(traits, features);
    const known = this.known.get(text);
    if (known) return known;
    const made = fingerprints(traits, features, this.keyRing.fingerprintKeys);
    if (text.length <= MAX_LENGTH) this.known.set(text, made);
    return made;
  }
}
