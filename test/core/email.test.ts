import { describe, expect, it } from '@jest/globals';
import { isEmailAddress, normalizeEmail } from '../../src/core/email.js';

describe(normalizeEmail.name, () => {
  it.each([
    [' User@Example.COM ', 'user@example.com'],
    ['\u00a0user@example.com\u3000', 'user@example.com'],
    ['ｕｓｅｒ＠ｅｘａｍｐｌｅ．ｃｏｍ', 'user@example.com'],
    ['\ufeffuser@example.com', 'user@example.com'],
    ['ada@münchen.de', 'ada@xn--mnchen-3ya.de'],
    ['Ada@MU\u0308NCHEN.DE', 'ada@xn--mnchen-3ya.de'],
    ['ada@XN--MNCHEN-3YA.de', 'ada@xn--mnchen-3ya.de'],
    ['ada@mail。münchen。de', 'ada@mail.xn--mnchen-3ya.de'],
    ['ada@straße.de', 'ada@xn--strae-oqa.de'],
    ['jos\u0065\u0301@example.com', 'jos\u00e9@example.com'],
    ['"a@b"@münchen.de', '"a@b"@xn--mnchen-3ya.de'],
    ['admin@localhost', 'admin@localhost'],
  ])('normalises %j', (typed, stored) => {
    expect(normalizeEmail(typed)).toBe(stored);
  });

  it.each([
    'ada@münchen.de/path',
    'ada@münchen.de:25',
    'ada@münchen.de#x',
    'ada@m%c3%bcnchen.de',
    'ada@mün chen.de',
    'ada@[münchen.de]',
    'ada@127.1',
    'ada@0x7f.1',
  ])('does not turn %j into another address: the domain is not parsed as a URL', (text) => {
    expect(normalizeEmail(text)).toBe(text);
    expect(isEmailAddress(normalizeEmail(text))).toBe(false);
  });

  it.each([
    'user@example.com\u200b',
    'us\u00ader@example.com',
    'user@exam\u200dple.com',
    '\u202euser@example.com',
    'us\ufe0fer@example.com',
    'ada@m\u00fcn\ufe0fchen.de',
  ])('does not turn %j into another address: invisible characters are not dropped', (text) => {
    expect(normalizeEmail(text)).toBe(text);
    expect(isEmailAddress(text)).toBe(false);
  });

  it.each(['', '@', 'nobody', '@münchen.de', 'a@', 'a\u0000b', '\ud800@example.com'])(
    'leaves %j to the validation',
    (text) => {
      expect(normalizeEmail(text)).toBe(text);
      expect(isEmailAddress(text)).toBe(false);
    },
  );

  it('is idempotent for every character', () => {
    const odd: string[] = [];
    // The planes left out have no assigned characters, except for private use.
    for (let code = 0; code < 0xf0000; code = code === 0x3ffff ? 0xe0000 : code + 1) {
      const character = String.fromCodePoint(code);
      for (const text of [`${character}\u0331@b.de`, `a@b${character}c.de`]) {
        const once = normalizeEmail(text);
        if (normalizeEmail(once) !== once) odd.push(code.toString(16));
      }
    }
    expect(odd).toEqual([]);
  });

  it('gives a capital and its composed small letter the same form', () => {
    expect(normalizeEmail('H\u0331@example.com')).toBe(normalizeEmail('\u1e96@example.com'));
  });
});

describe(isEmailAddress.name, () => {
  it.each([
    'user@example.com',
    'user.name+tag@mail.corp.internal',
    "o'hara_!#$%&*/=?^`{|}~-@example.com",
    'admin@localhost',
    'admin@intranet',
    'ada@xn--mnchen-3ya.de',
    'josé@example.com',
    '用户@example.com',
    'user@1password.com',
    'user@123.de',
    `${'a'.repeat(64)}@example.com`,
  ])('accepts %j', (text) => {
    expect(isEmailAddress(text)).toBe(true);
  });

  it.each([
    'example.com',
    'a@b@example.com',
    '"<img src=x onerror=alert(1)>"@evil.example',
    '"quoted"@example.com',
    'a b@example.com',
    'a\u0000@example.com',
    'a\r\nbcc:b@example.com',
    '.a@example.com',
    'a.@example.com',
    'a..b@example.com',
    'a(comment)@example.com',
    'ada <ada@example.com>',
    'a,b@example.com',
    'a@example.com.',
    'a@.example.com',
    'a@-example.com',
    'a@example-.com',
    'a@exa_mple.com',
    'a@127.0.0.1',
    'a@[127.0.0.1]',
    'a@1',
    'a@xn--example',
    'a@münchen.de',
    `${'a'.repeat(65)}@example.com`,
    `${'é'.repeat(33)}@example.com`,
    `a@${'b'.repeat(64)}.com`,
    `a@${'b.'.repeat(130)}com`,
  ])('refuses %j', (text) => {
    expect(isEmailAddress(text)).toBe(false);
  });
});
