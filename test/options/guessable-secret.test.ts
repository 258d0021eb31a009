import { hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { isGuessable } from '../../src/options/keys/guessable-secret.js';
import { createRingKey, KeyProblem } from '../../src/options/keys/key-spec.js';

const bytes = (text: string) => Buffer.from(text);
/** Pseudo-random, and the same in every run. */
const random = (length: number, run: number) =>
  Buffer.from(hkdfSync('sha256', `run ${run}`, 'secret', String(length), length));
const ENCODINGS = ['hex', 'base64', 'base64url'] as const;

const GUESSABLE = [
  '0123456789abcdef0123456789abcdef0123456789abcdef',
  'qwertyuiopasdfghjklzxcvbnmqwertyuiopasdfghjklzxcvbnm',
  'X7f!X7f!X7f!X7f!X7f!X7f!X7f!X7f!X7f!',
  'correcthorsebatterystaplecorrecthorse',
  'acme-corporation-refresh-tokens-2025!',
  'dragon123456monkey123456sunshine',
  'iloveyou-iloveyou-dragon-monkey-2024',
  'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccdddd',
  '0123456789abcdef0123456789abcdef',
  'iloveyouiloveyouiloveyouiloveyou',
  'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbcd',
  'acme-jwt-tokens-2024-production!',
  'abcdefghijklmnopqrstuvwxyz0123456789',
  '9876543210zyxwvutsrqponmlkjihgfedcba',
  bytes('acme-jwt-tokens-2024-production!').toString('base64'),
  bytes('acme-jwt-tokens-2024-production!').toString('hex'),
  bytes('iloveyou-iloveyou-dragon-monkey').toString('base64url'),
];

describe(isGuessable, () => {
  it.each(ENCODINGS)('raises no false alarm about random bytes as %s', (encoding) => {
    // The shortest secrets accepted at boot: 16 bytes in hex, 24 in base64.
    const least = encoding === 'hex' ? 16 : 24;
    for (let length = least; length <= 64; length += 3)
      for (let run = 0; run < 100; run += 1)
        if (isGuessable(bytes(random(length, run).toString(encoding))))
          throw new Error(`${length} bytes, run ${run}`);
  });

  it('raises no false alarm about raw bytes, as in an oct JWK, about UUIDs or random letters', () => {
    const letters = (length: number) =>
      [...randomBytes(length)].map((byte) => String.fromCharCode(97 + (byte % 26)));
    for (let run = 0; run < 100; run += 1) {
      expect(isGuessable(randomBytes(32))).toBe(false);
      expect(isGuessable(bytes(randomUUID()))).toBe(false);
      expect(isGuessable(bytes(letters(48).join('')))).toBe(false);
    }
  });

  it.each(GUESSABLE)('recognizes %s', (secret) => {
    expect(isGuessable(bytes(secret))).toBe(true);
  });
});

describe('a guessable secret', () => {
  const { NODE_ENV } = process.env;
  afterEach(() => void (process.env['NODE_ENV'] = NODE_ENV));

  it.each(GUESSABLE)('signs in development, and is refused at boot in production: %s', (secret) => {
    expect(createRingKey(secret).alg).toBe('HS256');
    process.env['NODE_ENV'] = 'production';
    expect(() => createRingKey(secret)).toThrow(KeyProblem);
    expect(() => createRingKey({ kty: 'oct', k: bytes(secret).toString('base64url') })).toThrow(KeyProblem);
  });

  it('does not cause a random secret to be refused in production', () => {
    process.env['NODE_ENV'] = 'production';
    expect(createRingKey(randomBytes(32).toString('base64url')).alg).toBe('HS256');
  });
});
