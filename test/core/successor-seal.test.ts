import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hashSecret, openSuccessor, sealSuccessor, SECRET_BYTES } from '../../src/core/successor-seal.js';

const SID = '65a000000000000000000001';
const OTHER_SID = '65a000000000000000000002';
const secretOf = (fill: number) => Buffer.alloc(SECRET_BYTES, fill).toString('base64url');
const anySecret = fc.uint8Array({ minLength: SECRET_BYTES, maxLength: SECRET_BYTES });
const SEALED_BYTES = 12 + 32 + 16;
const NONCE = Buffer.alloc(12, 3);

describe(hashSecret.name, () => {
  it('is SHA-256 in base64url (FIPS 180-4, "abc")', () => {
    expect(hashSecret('abc')).toBe(
      Buffer.from('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'hex').toString(
        'base64url',
      ),
    );
  });
});

describe(sealSuccessor.name, () => {
  it('keeps its stored form, so seals of earlier releases still open (vector made with Web Crypto)', () => {
    const vector = 'AwMDAwMDAwMDAwMDebxYpdCzDQbDErRfGiWRIjZy5wIkL8ngOKk40DMeNDhZKdpe5H4V0vnALFPkHf7g';
    expect(sealSuccessor(secretOf(1), secretOf(2), SID, NONCE)).toBe(vector);
    expect(openSuccessor(secretOf(1), vector, SID)).toBe(secretOf(2));
  });

  it('can be opened with the replaced secret, for every pair of secrets', () => {
    fc.assert(
      fc.property(anySecret, anySecret, (old, next) => {
        const [secret, successor] = [old, next].map((bytes) => Buffer.from(bytes).toString('base64url')) as [
          string,
          string,
        ];
        return openSuccessor(secret, sealSuccessor(secret, successor, SID, NONCE), SID) === successor;
      }),
      { numRuns: 30 },
    );
  });

  it('is nonce, ciphertext and tag: 60 bytes', () => {
    expect(Buffer.from(sealSuccessor(secretOf(1), secretOf(2), SID, NONCE), 'base64url')).toHaveLength(
      SEALED_BYTES,
    );
  });

  it('two seals of the same pair with different nonces have nothing in common', () => {
    const [one, two] = [NONCE, Buffer.alloc(12, 4)].map((nonce) =>
      Buffer.from(sealSuccessor(secretOf(1), secretOf(2), SID, nonce), 'base64url'),
    );
    expect(one?.subarray(0, 12)).not.toEqual(two?.subarray(0, 12));
    expect(one?.subarray(12)).not.toEqual(two?.subarray(12));
  });

  it('reveals nothing of either secret to a reader of the database', () => {
    const sealed = Buffer.from(
      sealSuccessor(secretOf(0xaa), secretOf(0xbb), SID, NONCE),
      'base64url',
    ).toString('hex');
    expect(sealed).not.toContain('aa'.repeat(8));
    expect(sealed).not.toContain('bb'.repeat(8));
  });
});

describe(openSuccessor.name, () => {
  const sealed = sealSuccessor(secretOf(1), secretOf(2), SID, NONCE);

  it('does not open with another secret, not even the successor itself', () => {
    expect(openSuccessor(secretOf(3), sealed, SID)).toBeNull();
    expect(openSuccessor(secretOf(2), sealed, SID)).toBeNull();
    expect(openSuccessor('', sealed, SID)).toBeNull();
  });

  it('does not open in another session: a seal cannot be copied between documents', () => {
    expect(openSuccessor(secretOf(1), sealed, OTHER_SID)).toBeNull();
  });

  it('does not open if any single bit of nonce, ciphertext or tag was changed', () => {
    for (let bit = 0; bit < SEALED_BYTES * 8; bit++) {
      const bytes = Buffer.from(sealed, 'base64url');
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      if (openSuccessor(secretOf(1), bytes.toString('base64url'), SID) !== null)
        throw new Error(`bit ${bit} was changed unnoticed`);
    }
  });

  it('does not open with another length: a shortened tag would be easier to forge', () => {
    const bytes = Buffer.from(sealed, 'base64url');
    const withByte = Buffer.concat([bytes, Buffer.alloc(1)]);
    for (const odd of [bytes.subarray(0, -1), bytes.subarray(0, -12), withByte, Buffer.alloc(0)])
      expect(openSuccessor(secretOf(1), odd.toString('base64url'), SID)).toBeNull();
  });

  it('never throws, whatever the store contains', () => {
    fc.assert(fc.property(fc.string(), (stored) => openSuccessor(secretOf(1), stored, SID) === null));
    expect(openSuccessor(secretOf(1), randomBytes(SEALED_BYTES).toString('base64url'), SID)).toBeNull();
  });
});
