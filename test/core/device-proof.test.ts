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
  it('has 44 characters and unpacks to the same key', () => {
    for (let count = 0; count < 50; count += 1) {
      const key = newKey();
      const packed = packKey(key);
      expect(packed).toMatch(/^A[\w-]{43}$/);
      expect(unpackKey(packed ?? '')).toEqual(key);
    }
  });

  it('does not exist for coordinates that are not on the curve', () => {
    expect(packKey({ ...newKey(), y: newKey().y })).toBeNull();
  });

  it.each(['', 'A', `A${'_'.repeat(43)}`, `B${'k'.repeat(43)}`, `A${'k'.repeat(44)}`])(
    'cannot be unpacked from %j',
    (text) => {
      expect(unpackKey(text)).toBeNull();
    },
  );
});

describe('a proof from a browser', () => {
  const key = new HandKey();

  it('contains the key at registration and none at renewal; may come without quotes, as from Chromium', () => {
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
  ])('gives %s with the claims %j and the header %j', (fault, claims, header) => {
    expect(parseDeviceProof(key.proof(claims as never, header as never))).toBe(fault);
  });

  it.each(['', '"', '"a', 'a"', 'a b', '"a" "b"', 'a,b', '""'])(
    'a header value that is not a structured string is refused: %j',
    (text) => {
      expect(structuredText(text)).toBeNull();
    },
  );
});
