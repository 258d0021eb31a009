import { describe, expect, it } from '@jest/globals';
import { AuthError } from '../../src/core/errors.js';
import {
  assertNewPassword,
  assertPasswordLength,
  normalizePassword,
  type PasswordContext,
  type PasswordPolicy,
} from '../../src/users/password-policy.js';

const POLICY: PasswordPolicy = { minLength: 8, maxLength: 64, blocklist: new Set(['silent-auth']) };
const CONTEXT: PasswordContext = { field: 'newPassword', email: 'ann.lee@example.com', name: 'Annabel Lee' };

function refusalOf(password: string, context = CONTEXT): AuthError | null {
  try {
    assertNewPassword(normalizePassword(password), POLICY, context);
    return null;
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

describe(normalizePassword.name, () => {
  it('normalises what looks the same on any keyboard (NFKC)', () => {
    const [composed, decomposed] = ['Zürich-\u00e9t\u00e9', 'Zu\u0308rich-e\u0301te\u0301'];
    expect(normalizePassword(decomposed)).toBe(normalizePassword(composed));
    expect(normalizePassword('ｐａｓｓ')).toBe('pass');
  });

  it('keeps case and spaces: they are part of the password', () => {
    expect(normalizePassword('  Tr0ub4dor & Three ')).toBe('  Tr0ub4dor & Three ');
  });
});

describe(assertNewPassword.name, () => {
  it.each([
    'tr0ub4dor',
    'correct horse battery staple',
    'only lower case letters',
    '77410236985',
    '        x',
    'aaaaaaab',
    'ann.lee@example.com!',
    'naïveté à la carte',
  ])('accepts %j: there are no composition rules', (password) => {
    expect(refusalOf(password)).toBeNull();
  });

  it('refuses passwords below the minimum, and names it', () => {
    const refusal = refusalOf('x7#kQ2!');
    expect(refusal?.code).toBe('WEAK_PASSWORD');
    expect(refusal?.message).toBe('The password needs at least 8 characters.');
    expect(refusalOf('x7#kQ2!p')).toBeNull();
    expect(refusalOf('')?.code).toBe('WEAK_PASSWORD');
  });

  it('counts code points: an emoji is one character, not two', () => {
    expect(refusalOf('🐴🔋📎🗝🐴🔋📎')?.code).toBe('WEAK_PASSWORD');
    expect(refusalOf('🐴🔋📎🗝🐴🔋📎🗝')).toBeNull();
    expect(refusalOf('🐴🔋'.repeat(32))).toBeNull();
    expect(refusalOf('🐴🔋'.repeat(32) + 'x')?.code).toBe('VALIDATION_FAILED');
  });

  it('counts the normalised form: combining marks are not characters of their own', () => {
    expect(refusalOf('e\u0301o\u0308a\u0300i\u0302')?.code).toBe('WEAK_PASSWORD');
  });

  it('refuses passwords above the maximum as an invalid field, under its name in the request', () => {
    expect(refusalOf('xy'.repeat(32))).toBeNull();
    const refusal = refusalOf('xy'.repeat(32) + 'x');
    expect(refusal?.code).toBe('VALIDATION_FAILED');
    expect(refusal?.fields).toEqual([{ field: 'newPassword', message: 'must be at most 64 characters' }]);
  });

  it.each([
    ['the e-mail address', 'ann.lee@example.com'],
    ['the e-mail address in capitals', 'ANN.LEE@EXAMPLE.COM'],
    ['the e-mail address in full-width letters', 'ａｎｎ.ｌｅｅ@example.com'],
    ['the name', 'Annabel Lee'],
    ['the name in capitals', 'ANNABEL LEE'],
  ])('refuses %s: an attacker tries it first', (_what, password) => {
    const refusal = refusalOf(password);
    expect(refusal?.code).toBe('WEAK_PASSWORD');
    expect(refusal?.message).toBe('The password must not be your e-mail address or name.');
  });

  it('refuses the part of the e-mail address before the @', () => {
    expect(refusalOf('annabel.lee', { field: 'password', email: 'annabel.lee@example.com' })?.code).toBe(
      'WEAK_PASSWORD',
    );
  });

  it.each(['aaaaaaaa', '00000000', '        ', 'AaAaAaAa', '🐴'.repeat(8)])(
    'refuses one repeated character: %j',
    (password) => {
      const refusal = refusalOf(password);
      expect(refusal?.code).toBe('WEAK_PASSWORD');
      expect(refusal?.message).toBe('The password repeats one character.');
    },
  );

  it.each(['password', '12345678', 'PassWord1', 'iloveyou', 'qwertyuiop', 'ｐａｓｓｗｏｒｄ'])(
    'refuses %j, among the first of the leaked lists (ASVS 6.2.4)',
    (password) => {
      const refusal = refusalOf(password);
      expect(refusal?.code).toBe('WEAK_PASSWORD');
      expect(refusal?.message).toBe('The password is one of the first that attackers try.');
    },
  );

  it.each(['silent-auth', 'Silent-Auth', 'ｓｉｌｅｎｔ-auth'])(
    'refuses %j, which the host blocked in another case',
    (password) => {
      expect(refusalOf(password)?.message).toBe('The password is one of the first that attackers try.');
    },
  );

  it('compares the whole password: one that merely contains a common one is not common', () => {
    expect(refusalOf('my password has no vowels')).toBeNull();
    expect(refusalOf('silent-auth-2')).toBeNull();
  });

  it('never quotes the password in its refusal', () => {
    for (const password of ['x7#kQ2!', 'z'.repeat(9), 'xy'.repeat(40), 'Annabel Lee']) {
      const refusal = refusalOf(password);
      expect(JSON.stringify([refusal?.message, refusal?.detail, refusal?.fields])).not.toContain(password);
    }
  });
});

describe(assertPasswordLength.name, () => {
  const lengthRefusal = (password: string) => {
    try {
      assertPasswordLength(password, POLICY, 'password');
      return null;
    } catch (error) {
      return error;
    }
  };

  it('refuses impossible passwords before they cost a hash, so a flood of huge ones is cheap', () => {
    expect(lengthRefusal('x'.repeat(65))).toMatchObject({
      code: 'VALIDATION_FAILED',
      fields: [{ field: 'password', message: 'must be at most 64 characters' }],
    });
    expect(lengthRefusal('🐴'.repeat(64))).toBeNull();
  });

  it('has no minimum at login: a short password may have been allowed once, so it is only wrong', () => {
    expect(lengthRefusal('')).toBeNull();
    expect(lengthRefusal('x')).toBeNull();
  });
});
