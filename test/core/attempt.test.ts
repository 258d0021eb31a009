import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ATTEMPT, hashAttempt } from '../../src/core/attempt.js';

describe('an attempt', () => {
  it('is 16 bytes in base64url, in the canonical encoding only', () => {
    for (let index = 0; index < 100; index += 1)
      expect(randomBytes(16).toString('base64url')).toMatch(ATTEMPT);
    // The last character holds two bits of data; its other bits must be zero.
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
  ])('is refused %s', (_what, text) => {
    expect(text).not.toMatch(ATTEMPT);
  });
});

describe(hashAttempt.name, () => {
  it('keeps its stored form, the first half of a SHA-256 hash, so sessions of earlier releases still match', () => {
    const attempt = 'AAECAwQFBgcICQoLDA0ODw';
    const whole = createHash('sha256').update(attempt).digest();
    expect(hashAttempt(attempt)).toBe(whole.subarray(0, 16).toString('base64url'));
  });
});
