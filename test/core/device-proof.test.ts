import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { packKey, parseDeviceProof, structuredText, unpackKey } from '../../src/core/device-proof.js';
import type { ProofKey } from '../../src/core/proof.js';
import { HandKey } from '../support/proofs.js';

const newKey = () => {
  const { x, y } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  return { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' } as ProofKey;
};

describe('a packed key', () => {
  it('has 44 characters, and is the key again', () => {
    for (let count = 0; count < 50; count += 1) {
      const key = newKey();
      const packed = packKey(key);
      expect(packed).toMatch(/^A[\w-]{43}$/);
      expect(unpackKey(packed ?? '')).toEqual(key);
    }
  });

  it('is none of coordinates that are no point of the curve', () => {
    expect(packKey({ ...newKey(), y: newKey().y })).toBeNull();
  });

  it.each(['', 'A', `A${'_'.repeat(43)}`, `B${'k'.repeat(43)}`, `A${'k'.repeat(44)}`])(
    'is not %j',
    (text) => {
      expect(unpackKey(text)).toBeNull();
    },
  );
});

describe('a proof of a browser', () => {
  const key = new HandKey();

  it('has a key at a registration and none at a renewal; Chromium writes it without quotes', () => {
    const registration = key.proof({ jti: 'c' }, { typ: 'dbsc+jwt' });
    const { x, y } = key.jwk;
    const jwk = { kty: 'EC', crv: 'P-256', x, y };
    for (const text of [registration, `"${registration}"`, `"${registration}";a=1`])
      expect(parseDeviceProof(text)).toMatchObject({ challenge: 'c', key: jwk });
    const renewal = key.proof({ jti: 'c' }, { typ: 'dbsc+jwt', jwk: undefined });
    expect(parseDeviceProof(renewal)).toMatchObject({ challenge: 'c', key: null });
  });

  it.each<[string, object, object]>([
    ['proof_malformed', { jti: 'c' }, {}],
    ['proof_malformed', {}, { typ: 'dbsc+jwt' }],
    ['proof_malformed', { jti: 'c'.repeat(257) }, { typ: 'dbsc+jwt' }],
    ['proof_malformed', { jti: 'c' }, { typ: 'dbsc+jwt', jwk: null }],
    ['proof_malformed', { jti: 'c' }, { typ: 'dbsc+jwt', jwk: key.privateJwk }],
    ['proof_algorithm', { jti: 'c' }, { typ: 'dbsc+jwt', alg: 'RS256' }],
    ['proof_algorithm', { jti: 'c' }, { typ: 'dbsc+jwt', alg: 'none' }],
  ])('is %s with %j and %j', (fault, claims, header) => {
    expect(parseDeviceProof(key.proof(claims as never, header as never))).toBe(fault);
  });

  it.each(['', '"', '"a', 'a"', 'a b', '"a" "b"', 'a,b', '""'])('is no string of a header: %j', (text) => {
    expect(structuredText(text)).toBeNull();
  });
});
