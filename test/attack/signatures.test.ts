import {
  constants,
  createHash,
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  privateEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import type { KeyInput } from '../../src/index.js';
import { HostApp } from '../support/host-app.js';
import { type Api, expectGuardRefusal, newSession } from '../support/http.js';
import { claimsOf, encode, headerOf } from '../support/tokens.js';

type Jwk = Exclude<KeyInput, string>;

const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const pssKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const jwk = (key: KeyObject, kid: string, alg: string): Jwk => ({
  ...key.export({ format: 'jwk' }),
  kid,
  alg,
});

/** The keys of RFC 7515, appendices A.1 and A.3. */
const RFC_HMAC: JsonWebKey = {
  kty: 'oct',
  k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
};
const RFC_EC: JsonWebKey = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
};
const RFC_CLAIMS =
  'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';
const RFC_TOKENS = {
  'RFC 7515 A.1, RFC 7519 §3.1 (HS256)': `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${RFC_CLAIMS}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
  'RFC 7515 A.3 (ES256)': `eyJhbGciOiJFUzI1NiJ9.${RFC_CLAIMS}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  'RFC 7515 A.5, RFC 7519 §6.1 (none)': `eyJhbGciOiJub25lIn0.${RFC_CLAIMS}.`,
};

describe('a verifier with keys of every kind', () => {
  let host: HostApp;
  let api: Api;
  let token: string;

  beforeAll(async () => {
    host = await HostApp.start('express', {
      keys: {
        access: [
          jwk(ecKey, 'ec', 'ES256'),
          jwk(rsaKey, 'rsa', 'RS256'),
          jwk(pssKey, 'pss', 'PS256'),
          { ...RFC_HMAC, kid: 'rfc-hmac' },
          { ...RFC_EC, kid: 'rfc-ec' },
        ],
        refresh: [randomBytes(36).toString('base64url')],
      },
    });
    api = host.api();
    token = (await newSession(api)).accessToken;
  });

  afterAll(() => host?.stop());

  /** The claims of a valid token under another key, with the attacker's signature. */
  const forge = (kid: string, alg: string, signature: (input: Buffer) => Buffer): string => {
    const input = `${encode({ ...headerOf(token), kid, alg })}.${encode(claimsOf(token))}`;
    return `${input}.${signature(Buffer.from(input)).toString('base64url')}`;
  };
  const refuses = async (forged: string) => expectGuardRefusal(await api.me(forged), 'ACCESS_TOKEN_INVALID');
  const takes = async (sound: string) => expect((await api.me(sound)).status).toBe(200);

  describe('with an EC key', () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const field = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
    const bytes = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
    const raw = (input: Buffer) => sign('sha256', input, { key: ecKey, dsaEncoding: 'ieee-p1363' });
    const edges: Record<string, bigint> = {
      ...{ 0: 0n, 1: 1n, 'n − 1': order - 1n, n: order, 'n + 1': order + 1n, p: field },
      'the largest': 2n ** 256n - 1n,
    };
    const pairs = Object.keys(edges).flatMap((r) => Object.keys(edges).map((s): [string, string] => [r, s]));

    it('accepts a valid signature', () => takes(forge('ec', 'ES256', raw)));

    test.each(pairs)('refuses r = %s, s = %s', (r, s) =>
      refuses(forge('ec', 'ES256', () => Buffer.concat([bytes(edges[r] ?? 0n), bytes(edges[s] ?? 0n)]))),
    );

    test.each<[string, (signature: Buffer, input: Buffer) => Buffer]>([
      ['in DER', (_, input) => sign('sha256', input, ecKey)],
      ['with a zero appended', (signature) => Buffer.concat([signature, Buffer.alloc(1)])],
      ['with a zero prepended', (signature) => Buffer.concat([Buffer.alloc(1), signature])],
      ['a byte short', (signature) => signature.subarray(0, -1)],
      ['of r alone', (signature) => signature.subarray(0, 32)],
      [
        'with r and s swapped',
        (signature) => Buffer.concat([signature.subarray(32), signature.subarray(0, 32)]),
      ],
      ['as long as one of P-384', (signature) => Buffer.concat([signature, Buffer.alloc(32)])],
      ['of zeros', () => Buffer.alloc(64)],
      [
        'made with another digest',
        (_, input) => sign('sha512', input, { key: ecKey, dsaEncoding: 'ieee-p1363' }),
      ],
    ])('refuses a signature %s', (_, spoil) =>
      refuses(forge('ec', 'ES256', (input) => spoil(raw(input), input))),
    );
  });

  describe('with an RSA key, PKCS #1 v1.5', () => {
    const SHA256 = Buffer.from('3031300d060960864801650304020105000420', 'hex');
    const digest = (input: Buffer, hash = 'sha256') => createHash(hash).update(input).digest();
    /** `00 01 FF … FF 00 info`: the decrypted content of a signature. */
    const encoded = (
      info: Buffer,
      { type = 1, filler = 0xff, length = 256 - 3 - info.length, rest = Buffer.alloc(0) } = {},
    ) => Buffer.concat([Buffer.from([0, type]), Buffer.alloc(length, filler), Buffer.from([0]), info, rest]);
    const pad = (block: Buffer) => Buffer.concat([block, Buffer.alloc(256 - block.length)]);
    const raw = (block: Buffer) => privateEncrypt({ key: rsaKey, padding: constants.RSA_NO_PADDING }, block);
    const info = (input: Buffer) => Buffer.concat([SHA256, digest(input)]);

    it('control: accepts a correctly encoded signature', () =>
      takes(forge('rsa', 'RS256', (input) => raw(encoded(info(input))))));

    test.each<[string, (input: Buffer) => Buffer]>([
      ['short padding and garbage after the digest', (input) => pad(encoded(info(input), { length: 8 }))],
      ['no padding', (input) => pad(encoded(info(input), { length: 0 }))],
      ['a block type of encryption', (input) => encoded(info(input), { type: 2 })],
      ['a block type of zero', (input) => encoded(info(input), { type: 0 })],
      ['padding of zeros', (input) => encoded(info(input), { filler: 0 })],
      ['padding of other bytes', (input) => encoded(info(input), { filler: 0xfe })],
      ['no algorithm with the digest', (input) => encoded(digest(input))],
      [
        'no parameters of the algorithm',
        (input) =>
          encoded(
            Buffer.concat([Buffer.from('302f300b0609608648016503040201' + '0420', 'hex'), digest(input)]),
          ),
      ],
      [
        'garbage in the parameters',
        (input) =>
          encoded(
            Buffer.concat([
              Buffer.from('3035301106096086480165030402010504deadbeef0420', 'hex'),
              digest(input),
            ]),
          ),
      ],
      [
        'a length in its long form',
        (input) => encoded(Buffer.concat([Buffer.from('308131', 'hex'), SHA256.subarray(2), digest(input)])),
      ],
      [
        'SHA-1',
        (input) =>
          encoded(
            Buffer.concat([Buffer.from('3021300906052b0e03021a05000414', 'hex'), digest(input, 'sha1')]),
          ),
      ],
      [
        'SHA-512',
        (input) =>
          encoded(
            Buffer.concat([
              Buffer.from('3051300d060960864801650304020305000440', 'hex'),
              digest(input, 'sha512'),
            ]),
          ),
      ],
      ['the digest of another text', () => encoded(info(Buffer.from('something else')))],
      ['a short digest', (input) => encoded(info(input).subarray(0, -1))],
      ['nothing', () => Buffer.alloc(256)],
    ])('refuses an encoding with %s', (_, block) =>
      refuses(forge('rsa', 'RS256', (input) => raw(block(input)))),
    );

    test.each<[string, (signature: Buffer) => Buffer]>([
      ['with a zero before it', (signature) => Buffer.concat([Buffer.alloc(1), signature])],
      ['with a zero after it', (signature) => Buffer.concat([signature, Buffer.alloc(1)])],
      ['a byte short', (signature) => signature.subarray(1)],
      ['of one', () => Buffer.concat([Buffer.alloc(255), Buffer.from([1])])],
      ['of the modulus', () => Buffer.from(rsaKey.export({ format: 'jwk' }).n ?? '', 'base64url')],
    ])('refuses a signature %s', (_, spoil) =>
      refuses(forge('rsa', 'RS256', (input) => spoil(sign('sha256', input, rsaKey)))),
    );
  });

  describe('with an RSA key, PSS', () => {
    const pss = (input: Buffer, saltLength: number, hash = 'sha256', key = pssKey) =>
      sign(hash, input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

    it('accepts a salt as long as the digest (RFC 7518 §3.5)', () =>
      takes(forge('pss', 'PS256', (input) => pss(input, 32))));

    test.each<[string, (input: Buffer) => Buffer]>([
      ['no salt', (input) => pss(input, 0)],
      ['a short salt', (input) => pss(input, 20)],
      ['a long salt', (input) => pss(input, 64)],
      ['the longest salt', (input) => pss(input, constants.RSA_PSS_SALTLEN_MAX_SIGN)],
      ['another digest', (input) => pss(input, 32, 'sha512')],
      ['the key of another kid', (input) => pss(input, 32, 'sha256', rsaKey)],
      ['PKCS #1 v1.5 padding', (input) => sign('sha256', input, pssKey)],
    ])('refuses a signature with %s', (_, signature) => refuses(forge('pss', 'PS256', signature)));

    it('refuses PSS if the key is for PKCS #1 v1.5', () =>
      refuses(forge('rsa', 'RS256', (input) => pss(input, 32, 'sha256', rsaKey))));
  });

  describe('configured with the published keys of the RFC examples', () => {
    it('accepts what these keys sign for this service', async () => {
      const hmac = Buffer.from(RFC_HMAC.k ?? '', 'base64url');
      await takes(forge('rfc-hmac', 'HS256', (input) => createHmac('sha256', hmac).update(input).digest()));
      const ec = createPrivateKey({ key: RFC_EC, format: 'jwk' });
      await takes(
        forge('rfc-ec', 'ES256', (input) => sign('sha256', input, { key: ec, dsaEncoding: 'ieee-p1363' })),
      );
    });

    it('would verify the published signatures', () => {
      const [a1 = '', a3 = ''] = Object.values(RFC_TOKENS);
      const cut = (text: string) => [
        text.slice(0, text.lastIndexOf('.')),
        text.slice(text.lastIndexOf('.') + 1),
      ];
      const [input = '', mac] = cut(a1);
      const secret = Buffer.from(RFC_HMAC.k ?? '', 'base64url');
      expect(createHmac('sha256', secret).update(input).digest('base64url')).toBe(mac);
      const [signed = '', signature = ''] = cut(a3);
      const key = { ...RFC_EC, key: createPrivateKey({ key: RFC_EC, format: 'jwk' }) };
      expect(
        verify(
          'sha256',
          Buffer.from(signed),
          { key: key.key, dsaEncoding: 'ieee-p1363' },
          Buffer.from(signature, 'base64url'),
        ),
      ).toBe(true);
    });

    test.each(Object.entries(RFC_TOKENS))('still refuses the published example: %s', (_, example) =>
      refuses(example),
    );
  });
});
