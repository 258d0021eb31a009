import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as dpop from 'dpop';
import { calculateJwkThumbprint, importJWK, SignJWT } from 'jose';
import {
  accessTokenHash,
  importProofKey,
  isSignedBy,
  parseProof,
  type Proof,
  proofMismatch,
  proofTarget,
  type ProvenRequest,
  publicKeyOf,
  requestPath,
  thumbprint,
} from '../../src/core/proof.js';
import { HandKey } from '../support/proofs.js';
import { encode, type Part, signatureOf } from '../support/tokens.js';

const URL_OF_REFRESH = 'https://api.example.com/auth/refresh';
const KEY = new HandKey();
const CLAIMS = { jti: 'j-1', htm: 'POST', htu: URL_OF_REFRESH, iat: 1_700_000_000, nonce: 'n-1' };
const REQUEST: ProvenRequest = {
  method: 'POST',
  isTarget: ({ origin, path }) => origin + path === URL_OF_REFRESH,
  accessToken: null,
};
/** The order of the curve, and its prime. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;

function read(text: string): Proof {
  const proof = parseProof(text);
  if (typeof proof === 'string') throw new Error(proof);
  return proof;
}

/** The result of all checks except the nonce. */
function verdict(text: string, request = REQUEST): string {
  const proof = parseProof(text);
  if (typeof proof === 'string') return proof;
  const key = importProofKey(proof.key);
  if (!key) return 'proof_malformed';
  return isSignedBy(proof, key) ? (proofMismatch(proof, request) ?? 'valid') : 'proof_signature';
}

const without = (name: keyof typeof CLAIMS): Part => ({ ...CLAIMS, [name]: undefined });
const jwkWith = (change: Part) => ({ jwk: { ...KEY.jwk, ...change } });
const number = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
const base64url = (bytes: Buffer) => bytes.toString('base64url');

describe('a proof made by other libraries', () => {
  it('dpop: is read, with the thumbprint that the library computes', async () => {
    const pair = await dpop.generateKeyPair('ES256');
    const token = 'header.payload.signature';
    const proof = await dpop.generateProof(pair, `${URL_OF_REFRESH}?a=1#b`, 'POST', 'n-1', token);
    expect(verdict(proof, { ...REQUEST, accessToken: token })).toBe('valid');
    expect(read(proof)).toMatchObject({
      jkt: await dpop.calculateThumbprint(pair.publicKey),
      nonce: 'n-1',
      ath: createHash('sha256').update(token).digest('base64url'),
    });
  });

  it('jose: is read, with the thumbprint that the library computes', async () => {
    const signer = await importJWK(KEY.privateJwk as never, 'ES256');
    const proof = await new SignJWT(CLAIMS)
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: KEY.jwk })
      .sign(signer);
    expect(verdict(proof)).toBe('valid');
    expect(read(proof).jkt).toBe(await calculateJwkThumbprint(KEY.jwk));
  });

  it.each(['RS256', 'PS256', 'Ed25519'] as const)('dpop with %s: is refused', async (algorithm) => {
    const pair = await dpop.generateKeyPair(algorithm);
    expect(verdict(await dpop.generateProof(pair, URL_OF_REFRESH, 'POST', 'n-1'))).toBe('proof_algorithm');
  });
});

describe('the example of RFC 9449', () => {
  /** §4.1. */
  const EXAMPLE =
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg';

  it('verifies, and has the thumbprint of §6.1', () => {
    const isTarget = ({ origin, path }: { origin: string; path: string }) =>
      origin === 'https://server.example.com' && path === '/token';
    expect(verdict(EXAMPLE, { ...REQUEST, isTarget })).toBe('valid');
    expect(read(EXAMPLE).jkt).toBe('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I');
  });

  it('has the hash of its access token (§7.1)', () => {
    expect(accessTokenHash('Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU')).toBe(
      'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo',
    );
  });
});

describe('the public key of a proof', () => {
  it('has exactly the members of its thumbprint', () => {
    const { kty, crv, x, y } = KEY.jwk;
    expect(publicKeyOf({ ...KEY.jwk, kid: 'k', use: 'sig' })).toEqual({ kty, crv, x, y });
  });

  it.each<[string, Part]>([
    ['another kind', { kty: 'OKP' }],
    ['another curve', { crv: 'secp256k1' }],
    ['a coordinate that is too short', { x: 'AAAA' }],
    ['a coordinate that is too long', { y: 'A'.repeat(44) }],
    ['a coordinate that is not text', { y: 7 }],
  ])('is refused with %s, before a key is made of it', (_, change) => {
    expect(publicKeyOf({ ...KEY.jwk, ...change })).toBeNull();
  });

  it('cannot be imported if it is not on the curve', () => {
    const { x = '' } = KEY.jwk;
    expect(importProofKey({ kty: 'EC', crv: 'P-256', x, y: base64url(number(1n)) })).toBeNull();
  });
});

describe('the verdict on a proof', () => {
  const good = KEY.proof(CLAIMS);
  const [head = '', body = '', signature = ''] = good.split('.');
  const raw = (text: string) => Buffer.from(text).toString('base64url');

  it.each<[string, string]>([
    ['well-formed', good],
    ['without a nonce, which is checked elsewhere', KEY.proof(without('nonce'))],
    ['with claims and parameters of other profiles', KEY.proof({ ...CLAIMS, client: 1 }, { kid: 'k' })],
    ['a key as WebCrypto exports it', KEY.proof(CLAIMS, jwkWith({ ext: true, key_ops: ['verify'] }))],
    ['a key with its use and algorithm', KEY.proof(CLAIMS, jwkWith({ use: 'sig', alg: 'ES256', kid: 'k' }))],
    ['a creation time with a fraction', KEY.proof({ ...CLAIMS, iat: 1_700_000_000.5 })],
    ['a clock of 1970', KEY.proof({ ...CLAIMS, iat: 0 })],
    ['a clock of 2100', KEY.proof({ ...CLAIMS, iat: 4_102_444_800 })],
    ['the longest allowed jti', KEY.proof({ ...CLAIMS, jti: 'j'.repeat(256) })],
    ['an ath although no token was sent with the scheme DPoP', KEY.proof({ ...CLAIMS, ath: 'A'.repeat(43) })],
    ['escaped slashes', KEY.sign(`${head}.${raw(JSON.stringify(CLAIMS).replaceAll('/', '\\/'))}`)],
    ['white space', KEY.sign(`${head}.${raw(JSON.stringify(CLAIMS, null, 2))}`)],
  ])('%s: valid', (_, proof) => {
    expect(verdict(proof)).toBe('valid');
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['no JWS', 'proof'],
    ['two parts', `${head}.${body}`],
    ['four parts', `${good}.${signature}`],
    ['five parts', `${good}.a.b`],
    ['two proofs, as Node joins two headers', `${good}, ${KEY.proof({ ...CLAIMS, jti: 'j-2' })}`],
    ['the same proof twice', `${good},${good}`],
    ['a space before it', ` ${good}`],
    ['a line break behind it', `${good}\n`],
    ['padding', `${good}=`],
    ['base64 in place of base64url', `${head}.${body}.${signature.replace(/[-_]/g, '+')}+/`],
    ['an empty signature', `${head}.${body}.`],
    ['an empty payload', `${head}..${signature}`],
    ['an empty header', `.${body}.${signature}`],
    ['a header that is not JSON', KEY.sign(`${raw('{')}.${body}`)],
    ['a header that is a list', KEY.sign(`${raw('[]')}.${body}`)],
    ['a header that is null', KEY.sign(`${raw('null')}.${body}`)],
    ['a payload that is not JSON', KEY.sign(`${head}.${raw('jti')}`)],
    ['a payload that is a list', KEY.sign(`${head}.${raw('[]')}`)],
    ['a payload that is a text', KEY.sign(`${head}.${raw('"POST"')}`)],
    ['a byte order mark', KEY.sign(`${head}.${raw(`\uFEFF${JSON.stringify(CLAIMS)}`)}`)],
    [
      'a payload that is not UTF-8',
      KEY.sign(
        `${head}.${Buffer.from(JSON.stringify({ ...CLAIMS, jti: 'é' }), 'latin1').toString('base64url')}`,
      ),
    ],
    ['a critical extension', KEY.proof(CLAIMS, { crit: ['exp'], exp: 1 })],
    ['an empty list of critical extensions', KEY.proof(CLAIMS, { crit: [] })],
    ['a typ of another kind', KEY.proof(CLAIMS, { typ: 'JWT' })],
    ['a typ in capitals', KEY.proof(CLAIMS, { typ: 'DPOP+JWT' })],
    ['the whole media type', KEY.proof(CLAIMS, { typ: 'application/dpop+jwt' })],
    ['no typ', KEY.proof(CLAIMS, { typ: undefined })],
    ['no key', KEY.proof(CLAIMS, { jwk: undefined })],
    ['a key that is a text', KEY.proof(CLAIMS, { jwk: JSON.stringify(KEY.jwk) })],
    ['a key that is null', KEY.proof(CLAIMS, { jwk: null })],
    ['a key by reference only', KEY.proof(CLAIMS, { jwk: undefined, jku: 'https://evil.example.net/jwks' })],
    ['a private key', KEY.proof(CLAIMS, { jwk: KEY.privateJwk })],
    ['a private member that is null', KEY.proof(CLAIMS, jwkWith({ d: null }))],
    ...['p', 'q', 'dp', 'dq', 'qi', 'oth'].map((name): [string, string] => [
      `the private member ${name} of a key of another type`,
      KEY.proof(CLAIMS, jwkWith({ [name]: 'AAAA' })),
    ]),
    ['a symmetric member', KEY.proof(CLAIMS, jwkWith({ k: 'AAAA' }))],
    ['a key for encryption', KEY.proof(CLAIMS, jwkWith({ use: 'enc' }))],
    ['a key with other operations', KEY.proof(CLAIMS, jwkWith({ key_ops: ['encrypt'] }))],
    ['a key whose operations are not a list', KEY.proof(CLAIMS, jwkWith({ key_ops: 'verify' }))],
    ['a key for another algorithm', KEY.proof(CLAIMS, jwkWith({ alg: 'ES384' }))],
    ['a key of another type', KEY.proof(CLAIMS, jwkWith({ kty: 'OKP' }))],
    ['a key with the name of another curve', KEY.proof(CLAIMS, jwkWith({ crv: 'secp256k1' }))],
    ['a key of another curve', new HandKey('P-384').proof(CLAIMS)],
    ['a coordinate that is missing', KEY.proof(CLAIMS, jwkWith({ y: undefined }))],
    ['a coordinate that is a number', KEY.proof(CLAIMS, jwkWith({ x: 1 }))],
    ['a coordinate with padding', KEY.proof(CLAIMS, jwkWith({ x: `${KEY.jwk.x}=` }))],
    ['a coordinate with a zero before it', KEY.proof(CLAIMS, jwkWith({ x: `AA${KEY.jwk.x}` }))],
    ['a coordinate with unused bits', KEY.proof(CLAIMS, jwkWith({ x: otherSpelling(KEY.jwk.x ?? '') }))],
    ['a point that is not on the curve', KEY.proof(CLAIMS, jwkWith({ y: base64url(number(1n)) }))],
    ['the point at infinity', KEY.proof(CLAIMS, jwkWith({ x: 'A'.repeat(43), y: 'A'.repeat(43) }))],
    ['a coordinate outside the field', KEY.proof(CLAIMS, jwkWith({ x: base64url(number(P)) }))],
    ...(['jti', 'htm', 'htu', 'iat'] as const).map((name): [string, string] => [
      `no ${name}`,
      KEY.proof(without(name)),
    ]),
    ['an empty jti', KEY.proof({ ...CLAIMS, jti: '' })],
    ['a jti that is a number', KEY.proof({ ...CLAIMS, jti: 1 })],
    ['a jti that is too long', KEY.proof({ ...CLAIMS, jti: 'j'.repeat(257) })],
    ['a creation time as text', KEY.proof({ ...CLAIMS, iat: '1700000000' })],
    ['a creation time before 1970', KEY.proof({ ...CLAIMS, iat: -1 })],
    [
      'an infinite creation time',
      KEY.sign(`${head}.${raw(JSON.stringify(CLAIMS).replace('1700000000', '1e999'))}`),
    ],
    ['a method that is a list', KEY.proof({ ...CLAIMS, htm: ['POST'] })],
    ['a URL that is an object', KEY.proof({ ...CLAIMS, htu: { $ne: '' } })],
    ['a URL in a list', KEY.proof({ ...CLAIMS, htu: [URL_OF_REFRESH] })],
    ['a URL that cannot be parsed', KEY.proof({ ...CLAIMS, htu: 'refresh' })],
    ['a URL that is a path', KEY.proof({ ...CLAIMS, htu: '/auth/refresh' })],
    ['a URL with another scheme', KEY.proof({ ...CLAIMS, htu: 'javascript:alert(1)' })],
    [
      'a URL with a user',
      KEY.proof({ ...CLAIMS, htu: 'https://api.example.com@evil.example.net/auth/refresh' }),
    ],
    ['an empty nonce', KEY.proof({ ...CLAIMS, nonce: '' })],
    ['a nonce that is a number', KEY.proof({ ...CLAIMS, nonce: 1 })],
    ['a nonce that is null', KEY.proof({ ...CLAIMS, nonce: null })],
    ['a nonce that is too long', KEY.proof({ ...CLAIMS, nonce: 'n'.repeat(257) })],
    ['an ath that is not a hash', KEY.proof({ ...CLAIMS, ath: 'token' })],
    ['more than 4 kB', KEY.proof({ ...CLAIMS, more: 'x'.repeat(4096) })],
    ['very deep nesting', KEY.sign(`${head}.${raw('['.repeat(3000))}`)],
  ])('%s: cannot be read', (_, proof) => {
    expect(verdict(proof)).toBe('proof_malformed');
  });

  it('is read with 4096 characters, and not with more', () => {
    const proofs = Array.from({ length: 3000 }, (_, length) => ({ ...CLAIMS, more: 'x'.repeat(length) }))
      .map((claims) => `${head}.${encode(claims)}`)
      .filter((input) => [4096, 4098].includes(input.length + 1 + signature.length))
      .map((input) => KEY.sign(input));
    const verdicts = proofs.map((proof) => `${proof.length} ${verdict(proof)}`);
    expect(new Set(verdicts)).toEqual(new Set(['4096 valid', '4098 proof_malformed']));
  });

  it.each(['none', 'HS256', 'RS256', 'ES384', 'ES256K', 'es256', '', null, undefined, ['ES256']])(
    'the algorithm %j is refused, whatever made the signature (RFC 8725 §3.1)',
    (alg) => {
      expect(verdict(KEY.proof(CLAIMS, { alg }))).toBe('proof_algorithm');
    },
  );

  it.each<[string, string]>([
    [
      'of another header',
      `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: KEY.jwk, kid: 'x' })}.${body}.${signature}`,
    ],
    ['of another payload', `${head}.${encode({ ...CLAIMS, jti: 'j-2' })}.${signature}`],
    ['by another key', `${head}.${body}.${signatureOf(new HandKey().sign(`${head}.${body}`))}`],
    ['of zeros', `${head}.${body}.${'A'.repeat(86)}`],
    ...edgeSignatures(Buffer.from(signature, 'base64url')).map(([name, bytes]): [string, string] => [
      name,
      `${head}.${body}.${base64url(bytes)}`,
    ]),
  ])('a signature %s: wrong', (_, proof) => {
    expect(verdict(proof)).toBe('proof_signature');
  });

  it.each<[string, Buffer]>([
    ['one byte short', Buffer.from(signature, 'base64url').subarray(1)],
    ['one byte long', Buffer.concat([Buffer.from(signature, 'base64url'), Buffer.alloc(1)])],
    ['a zero before each half', withZeros(Buffer.from(signature, 'base64url'))],
    ['in DER', derOf(Buffer.from(signature, 'base64url'))],
  ])('a signature %s: cannot be read', (_, bytes) => {
    expect(verdict(`${head}.${body}.${base64url(bytes)}`)).toBe('proof_malformed');
  });

  it('accepts the other valid half of a signature: it is the same proof with the same jti', () => {
    const bytes = Buffer.from(signature, 'base64url');
    const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
    const twin = Buffer.concat([bytes.subarray(0, 32), number(N - s)]);
    const proof = `${head}.${body}.${base64url(twin)}`;
    expect(verdict(proof)).toBe('valid');
    expect(read(proof).jti).toBe(read(good).jti);
  });

  it.each<[string, Part, string]>([
    ['another method', { htm: 'GET' }, 'other_method'],
    ['the method in lower case', { htm: 'post' }, 'other_method'],
    ['another route', { htu: 'https://api.example.com/auth/login' }, 'other_url'],
    ['another host', { htu: 'https://evil.example.net/auth/refresh' }, 'other_url'],
    ['another port', { htu: 'https://api.example.com:8443/auth/refresh' }, 'other_url'],
    ['another scheme', { htu: 'http://api.example.com/auth/refresh' }, 'other_url'],
    ['a slash more', { htu: `${URL_OF_REFRESH}/` }, 'other_url'],
    ['another case of the path', { htu: 'https://api.example.com/Auth/refresh' }, 'other_url'],
    ['method and URL swapped', { htm: 'GET', htu: 'https://evil.example.net/' }, 'other_method'],
  ])('%s: another request', (_, change, reason) => {
    expect(verdict(KEY.proof({ ...CLAIMS, ...change }))).toBe(reason);
  });

  it.each<[string, string | undefined, string]>([
    ['the hash of the token', accessTokenHash('token'), 'valid'],
    ['no hash', undefined, 'other_access_token'],
    ['the hash of another token', accessTokenHash('token-2'), 'other_access_token'],
  ])('with an access token, and %s', (_, ath, expected) => {
    expect(verdict(KEY.proof({ ...CLAIMS, ath }), { ...REQUEST, accessToken: 'token' })).toBe(expected);
  });

  it('takes the last of several members with one name; no other code reads the proof', () => {
    const twice = JSON.stringify(CLAIMS).replace('"htm":"POST"', '"htm":"GET","htm":"POST"');
    expect(read(KEY.sign(`${head}.${raw(twice)}`)).htm).toBe('POST');
  });
});

describe(thumbprint.name, () => {
  it('depends on the key only', () => {
    const { x = '', y = '' } = KEY.jwk;
    const other = read(KEY.proof(CLAIMS, { jwk: { y, kid: 'k', x, crv: 'P-256', use: 'sig', kty: 'EC' } }));
    expect(other.jkt).toBe(thumbprint({ kty: 'EC', crv: 'P-256', x, y }));
    expect(other.jkt).not.toBe(read(new HandKey().proof(CLAIMS)).jkt);
  });
});

describe(proofTarget.name, () => {
  it.each([
    ['HTTPS://API.example.com/auth/refresh', URL_OF_REFRESH],
    ['https://api.example.com:443/auth/refresh', URL_OF_REFRESH],
    ['https://api.example.com/auth/refresh?a=1#b', URL_OF_REFRESH],
    ['https://api.example.com/x/../auth/./refresh', URL_OF_REFRESH],
    ['https://api.example.com/%61uth/re%66resh', URL_OF_REFRESH],
    ['https://api.example.com', 'https://api.example.com/'],
    ['https://api.example.com/a%2fb', 'https://api.example.com/a%2Fb'],
    ['https://api.example.com/%7euser', 'https://api.example.com/~user'],
    ['http://[::1]:3000/a', 'http://[::1]:3000/a'],
  ])('normalises %s to %s (RFC 3986 §6.2.2, §6.2.3)', (url, expected) => {
    const target = proofTarget(url);
    expect(target && target.origin + target.path).toBe(expected);
  });

  it.each([
    '',
    '/auth',
    'api.example.com/auth',
    'ftp://a/b',
    'blob:https://a/b',
    'https:a',
    'https://',
    'https://user@a/b',
    'https://:p@a/',
    'https://a/b\u0000',
    'https://a/b ',
    'https://a\t/b',
    'https://a\\b',
  ])('refuses %j', (url) => {
    expect(proofTarget(url)).toBeNull();
  });
});

describe(requestPath.name, () => {
  it.each([
    ['/auth/refresh', '/auth/refresh'],
    ['/auth/refresh?x=https://a/b#c', '/auth/refresh'],
    ['/%61uth/refresh', '/auth/refresh'],
    ['//evil.example.net/auth', '//evil.example.net/auth'],
    ['/', '/'],
  ])('gives %s the path %s', (url, path) => {
    expect(requestPath(url)).toBe(path);
  });

  it.each(['', '*', 'https://api.example.com/auth', 'auth', '/a\u0000', '/a b', '/a\\b'])(
    'finds no path in %j',
    (url) => {
      expect(requestPath(url)).toBeNull();
    },
  );
});

/** Invalid r and s of the right length, as in the Wycheproof vectors. */
function edgeSignatures(good: Buffer): [string, Buffer][] {
  const r = good.subarray(0, 32);
  const s = good.subarray(32);
  const pairs: [string, bigint | Buffer, bigint | Buffer][] = [
    ['with r = 0', 0n, s],
    ['with s = 0', r, 0n],
    ['with r = s = 1', 1n, 1n],
    ['with r = n', N, s],
    ['with s = n', r, N],
    ['with r = n and s = n', N, N],
    ['with r = p', P, s],
    ['with all bits set', 2n ** 256n - 1n, 2n ** 256n - 1n],
    ['with r and s swapped', s, r],
  ];
  const flipped = Buffer.from(good);
  flipped.writeUInt8(flipped.readUInt8(63) ^ 1, 63);
  const bytes = (part: bigint | Buffer) => (typeof part === 'bigint' ? number(part) : part);
  return [
    ...pairs.map(([name, one, two]): [string, Buffer] => [name, Buffer.concat([bytes(one), bytes(two)])]),
    ['with one bit changed', flipped],
  ];
}

function withZeros(signature: Buffer): Buffer {
  const zero = Buffer.alloc(1);
  return Buffer.concat([zero, signature.subarray(0, 32), zero, signature.subarray(32)]);
}

function derOf(signature: Buffer): Buffer {
  const integers = [signature.subarray(0, 32), signature.subarray(32)].map((half) =>
    Buffer.concat([Buffer.from([2, 33, 0]), half]),
  );
  const body = Buffer.concat(integers);
  return Buffer.concat([Buffer.from([48, body.length]), body]);
}

/** Another base64url spelling of the same bytes, for a lax decoder. */
function otherSpelling(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(text.at(-1) ?? '') + 1);
}
