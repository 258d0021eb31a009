import { createRingKey, type KeyInput, KeyProblem, type RingKey } from './keys/key-spec.js';
import { areRelated } from './keys/related-secrets.js';
import { OptionReader } from './option-reader.js';

/** Secrets have no default. In each list the first key signs and all verify. */
export interface KeyOptions {
  /**
   * Keys of access tokens: HMAC secrets of at least 32 bytes, or JWKs; the first signs, all verify. Public halves appear in the
   * JWK set.
   * @example
   * keys: { access: [newAccessKey, oldAccessKey], refresh: [refreshKey] },
   */
  access: readonly KeyInput[];
  /** Keys of refresh tokens, in the same form; none may also be an access key. */
  refresh: readonly KeyInput[];
}

export interface RingKeys {
  readonly access: readonly RingKey[];
  readonly refresh: readonly RingKey[];
}

/**
 * Checks only the keys: they may change while the service runs.
 * @throws ConfigurationError with all problems: key, value, fix
 */
export function resolveKeys(keys: KeyOptions): RingKeys {
  const read = new OptionReader<{ keys: KeyOptions }>({ keys });
  const ring = readKeys(read.group('keys'));
  read.done();
  return ring;
}

/** Reads both lists of keys; no key may be in both. */
export function readKeys(read: OptionReader<KeyOptions>): RingKeys {
  const ring = { access: readRing(read, 'access'), refresh: readRing(read, 'refresh') };
  for (const [index, key] of ring.refresh.entries()) {
    if (ring.access.some((access) => access.verifyingKey.equals(key.verifyingKey)))
      read.refuse(`refresh[${index}]`, 'equals an access key: use a key of its own', '(secret)');
    // Outside of production the doctor only warns about it.
    else if (
      process.env['NODE_ENV'] === 'production' &&
      ring.access.some((access) => areRelated(access, key))
    )
      read.refuse(
        `refresh[${index}]`,
        'has a long part in common with an access key, so that one reveals the other: use a random key of its own',
        '(secret)',
      );
  }
  return ring;
}

function readRing(read: OptionReader<KeyOptions>, kind: 'access' | 'refresh'): readonly RingKey[] {
  const inputs = read.given(kind);
  if (!Array.isArray(inputs) || inputs.length === 0) {
    const fix = 'give at least one HMAC secret of 32 random bytes or one JWK; the first signs';
    read.refuse(kind, fix, '(not set)');
    return [];
  }
  const ring = (inputs as KeyInput[]).flatMap((input, index) => {
    try {
      return [createRingKey(input)];
    } catch (problem) {
      if (!(problem instanceof KeyProblem)) throw problem;
      read.refuse(`${kind}[${index}]`, `${problem.message}; ${problem.fix}`, '(secret)');
      return [];
    }
  });
  if (ring[0] && !ring[0].signingKey)
    read.refuse(`${kind}[0]`, 'the first key signs: it needs its private part', `kid '${ring[0].kid}'`);
  if (new Set(ring.map(({ kid }) => kid)).size < ring.length)
    read.refuse(
      kind,
      'two keys have the same kid: remove the duplicate, or give each its own kid',
      '(secrets)',
    );
  return ring;
}
