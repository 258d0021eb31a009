import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { describeKey, type KeyInput } from '../../src/index.js';

const rsa = (options: object = {}): JsonWebKey =>
  generateKeyPairSync('rsa', { modulusLength: 2048, ...options }).privateKey.export({ format: 'jwk' });
const ec = (): JsonWebKey =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const publicHalf = ({ kty, crv, x, y }: JsonWebKey): JsonWebKey => ({ kty, crv, x, y });
const problemOf = (key: object): string | undefined => {
  const described = describeKey(key as KeyInput);
  return 'problem' in described ? described.problem : undefined;
};

describe('a key that is not made for signatures', () => {
  it.each<[string, object]>([
    ['encryption', { use: 'enc' }],
    ['no use at all', { use: null }],
    ['encryption, by its operations', { key_ops: ['encrypt', 'wrapKey'] }],
    ['verification only, although it is private', { key_ops: ['verify'] }],
    ['operations that are not a list', { key_ops: 'sign' }],
  ])('is refused at boot: %s (RFC 7517 §4.2, §4.3)', (_, members) => {
    expect(problemOf({ ...ec(), ...members })).toContain('for signatures');
  });

  it('is accepted if its use and operations are signatures, or are absent', () => {
    for (const members of [{}, { use: 'sig' }, { key_ops: ['sign', 'verify'] }])
      expect(problemOf({ ...ec(), ...members })).toBeUndefined();
    expect(problemOf({ ...publicHalf(ec()), key_ops: ['verify'] })).toBeUndefined();
  });

  it('is refused with a suggestion if it is an Ed25519 key, which the verifying library does not support', () => {
    const ed = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    expect(problemOf(ed)).toMatch(/Ed25519.*not support EdDSA.*use EC P-256/);
  });
});

describe('an RSA key', () => {
  it('is refused with a small exponent', () => {
    expect(problemOf(rsa({ publicExponent: 3 }))).toContain('exponent 3');
  });

  it('is accepted with the usual exponent', () => {
    for (let round = 0; round < 3; round += 1) expect(problemOf(rsa())).toBeUndefined();
  });
});
