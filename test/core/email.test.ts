import { describe, expect, it } from '@jest/globals';
import { normalizeEmail } from '../../src/core/email.js';

describe(normalizeEmail.name, () => {
  it.each([' User@Example.COM ', 'user@example.com', 'ｕｓｅｒ@example.com'])(
    'gives %j one form',
    (email) => {
      expect(normalizeEmail(email)).toBe('user@example.com');
    },
  );

  it.each(['H\u0331@example.com', 'T\u0308@example.com'])(
    'leaves %j as it is after the first time',
    (email) => {
      expect(normalizeEmail(normalizeEmail(email))).toBe(normalizeEmail(email));
    },
  );

  it('gives one form to a capital and its composed small letter', () => {
    expect(normalizeEmail('H\u0331@example.com')).toBe(normalizeEmail('\u1e96@example.com'));
  });
});
