import { hkdfSync } from 'node:crypto';
import {
  createRingKey,
  KeyProblem,
  looksLikePlaceholder,
  MIN_SECRET_BYTES,
  type KeyInput,
  type RingKey,
} from '../key-spec.js';
import type { KeyOptions } from './auth-options.js';
import { OptionReader } from './option-reader.js';

/** The keys of a ring, and what is derived from them. */
export interface RingKeys {
  readonly access: readonly RingKey[];
  readonly refresh: readonly RingKey[];
}

/**
 * Checks the keys of a ring on their own: what changes while the service runs.
 * @throws ConfigurationError with all problems: key, value, mend
 */
export function resolveKeys(keys: KeyOptions): RingKeys {
  const read = new OptionReader();
  const ring = readRing(read, keys);
  read.done();
  return ring;
}

/** Both lists of keys, which share none. */
export function readRing(
  read: OptionReader,
  keys: Partial<KeyOptions> | undefined,
): { access: RingKey[]; refresh: RingKey[] } {
  const ring = {
    access: readKeys(read, 'keys.access', keys?.access),
    refresh: readKeys(read, 'keys.refresh', keys?.refresh),
  };
  refuseSharedKeys(read, ring);
  return ring;
}

function readKeys(read: OptionReader, key: string, inputs: readonly KeyInput[] | undefined): RingKey[] {
  if (!Array.isArray(inputs) || inputs.length === 0) {
    read.refuse(
      key,
      undefined,
      'give at least one HMAC secret of 32 random bytes or one JWK; the first signs',
    );
    return [];
  }
  const ring: RingKey[] = [];
  for (const [index, input] of (inputs as readonly KeyInput[]).entries()) {
    try {
      ring.push(createRingKey(input));
    } catch (problem) {
      if (!(problem instanceof KeyProblem)) throw problem;
      read.problems.push({
        key: `${key}[${index}]`,
        value: '(secret)',
        mend: `${problem.message}; ${problem.mend}`,
      });
    }
  }
  if (ring[0] && !ring[0].signingKey)
    read.problems.push({
      key: `${key}[0]`,
      value: `kid '${ring[0].kid}'`,
      mend: 'the first key signs: it needs its private part',
    });
  if (new Set(ring.map(({ kid }) => kid)).size < ring.length)
    read.problems.push({
      key,
      value: '(secrets)',
      mend: 'two keys have the same kid: remove the double, or give each its own kid',
    });
  return ring;
}

function refuseSharedKeys(read: OptionReader, keys: { access: RingKey[]; refresh: RingKey[] }): void {
  for (const [index, key] of keys.refresh.entries())
    if (keys.access.some((access) => access.verifyingKey.equals(key.verifyingKey)))
      read.problems.push({
        key: `keys.refresh[${index}]`,
        value: '(secret)',
        mend: 'equals an access key: use a key of its own',
      });
}

export function fingerprintKeys(
  read: OptionReader,
  key: unknown,
  refreshKeys: readonly RingKey[],
): Uint8Array[] {
  if (key === undefined) return derivedKeys(refreshKeys, 'fingerprint');
  if (typeof key !== 'string' || Buffer.byteLength(key) < MIN_SECRET_BYTES || looksLikePlaceholder(key)) {
    read.problems.push({
      key: 'fingerprint.key',
      value: '(secret)',
      mend: `give at least ${MIN_SECRET_BYTES} random bytes`,
    });
    return [];
  }
  return [Buffer.from(key)];
}

/** A key for each refresh key, so that a rotation of keys trips nothing: any match counts. */
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
