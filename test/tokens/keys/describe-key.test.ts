import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { describeKey } from '../../../src/tokens/keys/describe-key.js';

const { d, ...publicHalf } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  format: 'jwk',
});

describe(describeKey.name, () => {
  it('says how the ring reads a key, and whether it can sign', () => {
    expect(describeKey({ ...publicHalf, d, kid: 'k' })).toEqual({ kid: 'k', alg: 'ES256', canSign: true });
    expect(describeKey({ ...publicHalf, kid: 'k' })).toEqual({ kid: 'k', alg: 'ES256', canSign: false });
  });

  it('says why a key cannot be used, and what to do', () => {
    expect(describeKey('short')).toEqual({
      problem: expect.stringMatching(/^an HMAC secret of 5 bytes is too short; use at least 32 random bytes/),
    });
  });

  it('does not report a bug of the caller as a problem of the key', () => {
    const broken = {
      get kid(): string {
        throw new RangeError('a bug of the host');
      },
    };
    expect(() => describeKey(broken)).toThrow(RangeError);
  });
});
