import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ATTEMPT, hashAttempt } from '../../src/core/attempt.js';

describe('an attempt', () => {
  it('is 16 bytes in base64url, in the one spelling that encoders give', () => {
    for (let index = 0; index < 100; index += 1)
      expect(randomBytes(16).toString('base64url')).toMatch(ATTEMPT);
    // The last character holds two bits of the bytes; the others are zero.
    const ends = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
    expect(ends.filter((end) => ATTEMPT.test('a'.repeat(21) + end))).toEqual(['A', 'Q', 'g', 'w']);
  });

  it.each([
    ['shorter', `${'a'.repeat(20)}A`],
    ['longer', `${'a'.repeat(22)}A`],
    ['padded', `${'a'.repeat(21)}A==`],
    ['base64', `${'a'.repeat(20)}+A`],
    ['after another line', `\n${'a'.repeat(21)}A`],
    ['before another line', `${'a'.repeat(21)}A\n`],
  ])('is not taken %s', (_what, text) => {
    expect(text).not.toMatch(ATTEMPT);
  });
});

describe(hashAttempt.name, () => {
  it('keeps its stored form, the first half of SHA-256: sessions of an earlier release stay comparable', () => {
    const attempt = 'AAECAwQFBgcICQoLDA0ODw';
    const whole = createHash('sha256').update(attempt).digest();
    expect(hashAttempt(attempt)).toBe(whole.subarray(0, 16).toString('base64url'));
  });
});
