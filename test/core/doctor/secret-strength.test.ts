import { describe, expect, it } from '@jest/globals';
import { hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { areRelated, estimatedBits, LEAST_BITS } from '../../../src/core/doctor/secret-strength.js';

const bytes = (text: string) => Buffer.from(text);
/** As good as random, and the same in every run: one secret in a hundred thousand of the shortest is truly unlucky. */
const random = (length: number, run: number) =>
  Buffer.from(hkdfSync('sha256', `run ${run}`, 'secret', String(length), length));
const ENCODINGS = ['hex', 'base64', 'base64url'] as const;

describe(estimatedBits.name, () => {
  it.each(ENCODINGS)('raises no false alarm about random bytes as %s', (encoding) => {
    // The shortest that the boot accepts in hex are 16 bytes, in base64 24.
    const least = encoding === 'hex' ? 16 : 24;
    for (let length = least; length <= 64; length += 3)
      for (let run = 0; run < 100; run += 1) {
        const bits = estimatedBits(bytes(random(length, run).toString(encoding)));
        if (bits < LEAST_BITS) throw new Error(`${bits} bits: ${length} bytes, run ${run}`);
      }
  });

  it('raises none about raw bytes, as of an oct JWK, nor about a pair of UUIDs or random letters', () => {
    const letters = (length: number) =>
      [...randomBytes(length)].map((byte) => String.fromCharCode(97 + (byte % 26)));
    for (let run = 0; run < 100; run += 1) {
      expect(estimatedBits(randomBytes(32))).toBeGreaterThanOrEqual(LEAST_BITS);
      expect(estimatedBits(bytes(randomUUID()))).toBeGreaterThanOrEqual(LEAST_BITS);
      expect(estimatedBits(bytes(letters(48).join('')))).toBeGreaterThanOrEqual(LEAST_BITS);
    }
  });

  it.each([
    'abcdefghijklmnopqrstuvwxyz0123456789',
    '0123456789abcdef0123456789abcdef0123456789abcdef',
    'qwertyuiopasdfghjklzxcvbnmqwertyuiop',
    'X7f!X7f!X7f!X7f!X7f!X7f!X7f!X7f!X7f!',
    'correcthorsebatterystaplecorrecthorse',
    'the-quick-brown-fox-jumps-over-a-lazy-dog',
    'MyCompanyInternalTokenSigningSecret2024',
    'acme-corporation-refresh-tokens-2025!',
    '31415926535897932384626433832795',
    'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccdddd',
  ])('calls guessable: %s', (secret) => {
    expect(estimatedBits(bytes(secret))).toBeLessThan(LEAST_BITS);
  });

  it.each(ENCODINGS)('calls guessable words that were encoded as %s', (encoding) => {
    for (const words of ['acme corporation tokens for everybody', 'my-company-signing-secret-of-2024!!'])
      expect(estimatedBits(bytes(Buffer.from(words).toString(encoding)))).toBeLessThan(LEAST_BITS);
    expect(estimatedBits(bytes(bytes('acme tokens for everybody\n').toString('base64')))).toBeLessThan(
      LEAST_BITS,
    );
  });

  it('calls guessable what counts up byte by byte', () => {
    expect(estimatedBits(Uint8Array.from({ length: 64 }, (_, index) => index))).toBeLessThan(20);
  });
});

describe(areRelated.name, () => {
  const secret = () => randomBytes(36).toString('base64url');

  it('knows a secret that was used twice, with something added, changed or cut off', () => {
    const one = secret();
    for (const other of [
      `${one}-refresh`,
      `refresh-${one}`,
      `r${one.slice(1)}`,
      one.slice(0, -4),
      `${one}${one}`,
    ])
      expect([areRelated(bytes(one), bytes(other)), areRelated(bytes(other), bytes(one))]).toEqual([
        true,
        true,
      ]);
  });

  it('takes secrets that share a label, and nothing else, for strangers', () => {
    const label = 'acme-production-token-secret-';
    for (let run = 0; run < 200; run += 1) {
      expect(areRelated(bytes(secret()), bytes(secret()))).toBe(false);
      expect(areRelated(bytes(label + secret()), bytes(label + secret()))).toBe(false);
    }
  });
});
