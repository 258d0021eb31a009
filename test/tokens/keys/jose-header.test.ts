import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_TOKEN_LENGTH } from '../../../src/core/limits.js';
import { parseJoseHeader, protectedHeader } from '../../../src/tokens/keys/jose-header.js';

const HEADER = { alg: 'HS256', typ: 'at+jwt', kid: 'k1' };
const encode = (text: string) => Buffer.from(text).toString('base64url');
const token = (header: unknown, payload = encode('{}'), signature = 'c2ln') =>
  `${encode(typeof header === 'string' ? header : JSON.stringify(header))}.${payload}.${signature}`;

describe(parseJoseHeader.name, () => {
  it('reads the key id, algorithm and type', () => {
    expect(parseJoseHeader(token(HEADER))).toEqual(HEADER);
  });

  it('ignores every key inside the token (J5)', () => {
    const bait = {
      jwk: { kty: 'oct', k: 'AAAA' },
      jku: 'https://evil.example',
      x5u: 'https://evil.example',
      x5c: ['AA'],
    };
    expect(parseJoseHeader(token({ ...HEADER, ...bait }))).toEqual(HEADER);
  });

  it('refuses critical extensions, because it supports none (RFC 7515 §4.1.11)', () => {
    for (const crit of [['b64'], [], null, 'x'])
      expect(parseJoseHeader(token({ ...HEADER, crit }))).toBeNull();
  });

  it.each(['alg', 'typ', 'kid'] as const)(
    'refuses a header whose %s is missing or not a string (J6)',
    (name) => {
      for (const odd of [undefined, null, 1, true, [], {}, ['HS256']])
        expect(parseJoseHeader(token({ ...HEADER, [name]: odd }))).toBeNull();
    },
  );

  it('ignores inherited members', () => {
    expect(parseJoseHeader(token(`{"__proto__":${JSON.stringify(HEADER)}}`))).toBeNull();
    expect(parseJoseHeader(token('{"constructor":{"prototype":{"alg":"HS256"}}}'))).toBeNull();
  });

  it.each([
    'null',
    '1',
    '"x"',
    'true',
    '[]',
    '["HS256","at+jwt","k1"]',
    '',
    '{',
    'not json',
    '{"alg":"HS256"} x',
  ])('refuses a header that is %j', (json) => {
    expect(parseJoseHeader(token(json))).toBeNull();
    if (!json.startsWith('[')) expect(protectedHeader(token(json))).toBeNull();
  });

  it.each([
    ['no part', ''],
    ['one part', 'e30'],
    ['two parts (unsigned)', `${encode(JSON.stringify(HEADER))}.e30`],
    ['an empty signature (alg none)', `${encode(JSON.stringify(HEADER))}.e30.`],
    ['an empty payload (detached)', `${encode(JSON.stringify(HEADER))}..c2ln`],
    ['five parts (JWE)', `${token(HEADER)}.e30.e30`],
    ['only dots', '..'],
  ])('refuses %s', (_name, text) => {
    expect(parseJoseHeader(text)).toBeNull();
  });

  it('accepts one encoding only: refuses padding, the other alphabet, whitespace and non-zero trailing bits in any part', () => {
    const valid = token(HEADER, encode('{"a":1}'), 'c2k');
    expect(parseJoseHeader(valid)).toEqual(HEADER);
    for (const index of [0, 1, 2])
      for (const spoil of [
        (part: string) => `${part}=`,
        (part: string) => `${part} `,
        (part: string) => ` ${part}`,
        (part: string) => `${part}\n`,
        (part: string) => `${part.slice(0, 1)}+${part.slice(1)}`,
        (part: string) => `${part.slice(0, 1)}/${part.slice(1)}`,
        (part: string) => `${part.slice(0, 1)}%${part.slice(1)}`,
      ]) {
        const parts = valid.split('.');
        parts[index] = spoil(parts[index] ?? '');
        expect(parseJoseHeader(parts.join('.'))).toBeNull();
      }
    // 'c2k' and 'c2l' decode to the same two bytes.
    expect(Buffer.from('c2l', 'base64url')).toEqual(Buffer.from('c2k', 'base64url'));
    expect(parseJoseHeader(token(HEADER, encode('{"a":1}'), 'c2l'))).toBeNull();
    // Five characters are not a valid encoding: the fifth is dropped.
    expect(Buffer.from('c2lnA', 'base64url')).toEqual(Buffer.from('c2ln', 'base64url'));
    expect(parseJoseHeader(token(HEADER, encode('{"a":1}'), 'c2lnA'))).toBeNull();
  });

  it('refuses a huge token before it decodes it', () => {
    const around = token(HEADER, '').length;
    const ofLength = (length: number) => token(HEADER, 'A'.repeat(length - around));
    expect(ofLength(MAX_TOKEN_LENGTH)).toHaveLength(MAX_TOKEN_LENGTH);
    expect(parseJoseHeader(ofLength(MAX_TOKEN_LENGTH))).toEqual(HEADER);
    expect(parseJoseHeader(ofLength(MAX_TOKEN_LENGTH + 4))).toBeNull();
    expect(parseJoseHeader('.'.repeat(10_000_000))).toBeNull();
  });

  it('survives JSON nested as deeply as the length allows', () => {
    expect(parseJoseHeader(token('['.repeat(6000)))).toBeNull();
    expect(parseJoseHeader(token(`${'['.repeat(2900)}${']'.repeat(2900)}`))).toBeNull();
    expect(parseJoseHeader(token(`{"alg":${'{"a":'.repeat(900)}1${'}'.repeat(901)}`))).toBeNull();
  });

  it('never throws, whatever the input', () => {
    const tokenLike = fc.array(fc.oneof(fc.base64String(), fc.string(), fc.json().map(encode)), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          tokenLike.map((parts) => parts.join('.')),
        ),
        (text) => {
          const header = parseJoseHeader(text);
          return (
            header === null ||
            [header.alg, header.typ, header.kid].every((value) => typeof value === 'string')
          );
        },
      ),
    );
  });
});
