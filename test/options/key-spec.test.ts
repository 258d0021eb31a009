import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  createRingKey,
  type KeyInput,
  KeyProblem,
  MIN_SECRET_BYTES,
} from '../../src/options/keys/key-spec.js';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const ecKey = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'jwk' });
const secret = (bytes: number) => randomBytes(bytes).toString('base64url');

function publicHalf({ kty, crv, x, y, n, e }: JsonWebKey): JsonWebKey {
  return kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y };
}

function pem(half: 'public' | 'private'): string {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return half === 'public'
    ? pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    : pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function problemOf(input: KeyInput): KeyProblem {
  try {
    createRingKey(input);
  } catch (problem) {
    if (problem instanceof KeyProblem) return problem;
    throw problem;
  }
  throw new Error('the key was accepted');
}

describe(createRingKey.name, () => {
  describe('from an HMAC secret', () => {
    it('accepts a random one of 32 bytes, and allows only HS256 for it', () => {
      const key = createRingKey(secret(24));
      expect(key.alg).toBe('HS256');
      expect(key.signingKey).toBe(key.verifyingKey);
      expect(key.publicJwk).toBeNull();
    });

    it.each(['', 'x', 'secretKey', 'q8Zr-4kT2mXw9pLc7vBn5sHd3gFj1aY'])(
      'refuses %j: too short (J2)',
      (text) => {
        const problem = problemOf(text);
        expect(problem.message).toContain('too short');
        expect(problem.fix).toContain(`${MIN_SECRET_BYTES} random bytes`);
      },
    );

    it('counts bytes, not characters', () => {
      expect(createRingKey('ä€µß7Qm¤ñ¿øç¬þåëïõ').alg).toBe('HS256');
    });

    it.each([
      'your-super-secret-jwt-key-change-me-in-production',
      'this is my very secret access token key',
      'CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME',
      'please-replace-this-with-a-long-random-secret',
      'keyboard cat keyboard cat keyboard cat 123',
      'a'.repeat(64),
      '0'.repeat(32),
      '1212121212121212121212121212121212121212',
    ])('refuses %j: a placeholder that works would reach production', (text) => {
      const problem = problemOf(text);
      expect(problem.message).toContain('placeholder');
      expect(problem.fix).toContain('randomBytes');
    });

    it.each<[string, string]>([
      ['the PEM of a public key, which anybody may have', pem('public')],
      ['the PEM of a private key', pem('private')],
      ['a PEM with something before it', `\n  ${pem('public')}`],
      ['a JWK as text', JSON.stringify(RSA)],
      ['a JWK set as text', JSON.stringify({ keys: [publicHalf(RSA)] }, null, 2)],
    ])('refuses %s, whose text would become the secret', (_name, text) => {
      const problem = problemOf(text);
      expect(problem.message).toContain('would be used as an HMAC secret');
      expect(problem.fix).toContain('JWK');
      expect(`${problem.message} ${problem.fix}`).not.toContain(text.slice(40, 60));
    });

    it('accepts a random one that happens to begin like an object', () => {
      expect(createRingKey(`{${secret(36)}}`).alg).toBe('HS256');
    });

    it('never shows the secret in what is printed at boot', () => {
      for (const text of ['hunter2-hunter2', 'my-secret-my-secret-my-secret-my-secret']) {
        const problem = problemOf(text);
        expect(`${problem.message} ${problem.fix}`).not.toContain(text);
      }
    });

    it('names it by a stable kid that reveals nothing about it', () => {
      const text = secret(36);
      const { kid } = createRingKey(text);
      expect(createRingKey(text).kid).toBe(kid);
      expect(createRingKey(secret(36)).kid).not.toBe(kid);
      expect(kid).toMatch(/^[A-Za-z0-9_-]{12}$/);
      expect(text).not.toContain(kid);
    });
  });

  describe('from a JWK', () => {
    it.each([
      ['RSA', RSA, 'RS256'],
      ['EC P-256', ecKey('P-256'), 'ES256'],
      ['EC P-384', ecKey('P-384'), 'ES384'],
      ['EC P-521', ecKey('P-521'), 'ES512'],
      ['oct', { kty: 'oct', k: secret(32) }, 'HS256'],
    ])('%s without alg gets the algorithm of its type', (_kind, jwk, alg) => {
      const key = createRingKey(jwk);
      expect(key.alg).toBe(alg);
      expect(key.signingKey).not.toBeNull();
    });

    it.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'])('RSA may use %s', (alg) => {
      expect(createRingKey({ ...RSA, alg }).alg).toBe(alg);
    });

    it.each([
      ['RSA as HMAC, the classic confusion', { ...RSA, alg: 'HS256' }],
      ['RSA with none', { ...RSA, alg: 'none' }],
      ['EC P-256 with the algorithm of P-384', { ...ecKey('P-256'), alg: 'ES384' }],
      ['oct as RSA', { kty: 'oct', k: secret(32), alg: 'RS256' }],
      ['EC secp256k1', ecKey('secp256k1')],
      ['EdDSA', generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })],
      ['a type named like a method of every object', { kty: 'constructor' }],
      ['such a type with an algorithm', { kty: 'toString', alg: 'HS256' }],
      ['no kind', {}],
    ])('refuses %s (J1)', (_name, jwk) => {
      const problem = problemOf(jwk);
      expect(problem.message).toContain('is not supported');
      expect(problem.fix).toContain('ES256');
    });

    it('refuses an RSA key of 1024 bits', () => {
      const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' });
      expect(problemOf(short).message).toBe('an RSA key of 1024 bits is too short');
      expect(problemOf(publicHalf(short)).message).toBe('an RSA key of 1024 bits is too short');
    });

    it('refuses an oct key under 32 bytes, or without its secret', () => {
      expect(problemOf({ kty: 'oct', k: secret(31) }).message).toContain('31 bytes is too short');
      expect(problemOf({ kty: 'oct' }).message).toContain('too short');
    });

    it('an unreadable JWK is a problem, and the message quotes none of it', () => {
      for (const broken of [
        { ...RSA, n: undefined },
        { ...RSA, p: undefined, d: 'AAAA-private' },
        { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' },
      ]) {
        const problem = problemOf(broken);
        expect(problem.message).toBe('a JWK cannot be read');
        expect(problem.cause).toBeUndefined();
        expect(`${problem.message} ${problem.fix}`).not.toContain('private');
      }
    });

    it('keeps the given kid, and otherwise uses the RFC 7638 thumbprint (vector of §3.1)', () => {
      const vector = {
        kty: 'RSA',
        n:
          '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok' +
          'njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu' +
          '6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a' +
          'wapJzKnqDKgw',
        e: 'AQAB',
        alg: 'RS256',
      };
      expect(createRingKey(vector).kid).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
      expect(createRingKey({ ...vector, kid: '2011-04-29' }).kid).toBe('2011-04-29');
    });

    it('a key and its public half have the same kid', () => {
      for (const jwk of [RSA, ecKey('P-256')])
        expect(createRingKey(publicHalf(jwk)).kid).toBe(createRingKey(jwk).kid);
    });

    it('a public half verifies but cannot sign', () => {
      const key = createRingKey(publicHalf(RSA));
      expect(key.signingKey).toBeNull();
      expect(key.verifyingKey.type).toBe('public');
    });

    it('publishes only the public members, with kid, alg and use', () => {
      const rsa = createRingKey({ ...RSA, kid: 'k1' });
      expect(rsa.publicJwk).toEqual({ kty: 'RSA', n: RSA.n, e: RSA.e, kid: 'k1', alg: 'RS256', use: 'sig' });
      const jwk = ecKey('P-256');
      const ec = createRingKey(jwk);
      expect(ec.publicJwk).toEqual({ ...publicHalf(jwk), kid: ec.kid, alg: 'ES256', use: 'sig' });
    });

    it('publishes nothing of an oct key', () => {
      expect(createRingKey({ kty: 'oct', k: secret(32) }).publicJwk).toBeNull();
    });

    it('publishes no other members that a host added to the JWK', () => {
      const key = createRingKey({ ...RSA, comment: 'rotated by Ann' });
      expect(JSON.stringify(key.publicJwk)).not.toContain('Ann');
    });
  });

  it.each([
    'a-string-secret-at-least-256-bits-long',
    'your-256-bit-secret-your-256-bit-secret',
    'please-change-me-to-a-long-random-string',
  ])('refuses the sample %s', (sample) => {
    expect(() => createRingKey(sample)).toThrow('placeholder');
  });

  it.each([undefined, null, 5])('a key that is %j is a problem, not a crash', (key) => {
    expect(() => createRingKey(key as never)).toThrow(KeyProblem);
  });

  it.each<[string, object]>([
    ['k', { kty: 'oct', k: 5 }],
    ['k', { kty: 'oct', k: { value: 'x' } }],
    ['kty', { kty: { toString: null } }],
    ['crv', { kty: 'EC', crv: { toString: null } }],
    ['alg', { kty: 'oct', k: 'x', alg: { toString: null } }],
  ])('a JWK whose %s is not a text is a problem, not a crash: %j', (_member, jwk) => {
    expect(() => createRingKey(jwk as KeyInput)).toThrow(KeyProblem);
  });

  it('refuses an oct key of equal bytes, and one shorter than its hash (RFC 7518 §3.2)', () => {
    const oct = (bytes: Buffer, alg?: string) => ({ kty: 'oct', k: bytes.toString('base64url'), alg });
    expect(() => createRingKey(oct(Buffer.alloc(32, 7)))).toThrow('placeholder');
    const bytes = Buffer.from(Array.from({ length: 63 }, (_unused, index) => index));
    expect(() => createRingKey(oct(bytes, 'HS512'))).toThrow('64 bytes');
    expect(createRingKey(oct(bytes, 'HS384')).alg).toBe('HS384');
  });

  it('refuses a private part that belongs to another key', () => {
    const jwk = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    expect(createRingKey(jwk()).alg).toBe('ES256');
    expect(() => createRingKey({ ...jwk(), d: jwk().d })).toThrow(KeyProblem);
  });
});
