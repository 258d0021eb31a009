import { describe, expect, it } from '@jest/globals';
import { printable } from '../../src/core/printable.js';

describe(printable.name, () => {
  it.each([
    ['a line break', 'one\r\ntwo', 'onetwo'],
    ['NUL', 'one\0two', 'onetwo'],
    ['a terminal colour', '\u001b[31mred\u001b[0m', '[31mred[0m'],
    [
      'the same in one character, and a Latin-1 line break',
      '\u009b31mEVIL\u009b0m\u0085fake',
      '31mEVIL0mfake',
    ],
    ['Unicode line separators', 'one\u2028two\u2029three', 'onetwothree'],
    ['text that displays from right to left', 'user\u202egpj.exe', 'usergpj.exe'],
    ['isolated directions', 'a\u2066b\u2069c', 'abc'],
    ['half of a surrogate pair', 'a\ud83d', 'a\ufffd'],
  ])('removes %s', (_what, given, shown) => expect(printable(given)).toBe(shown));

  it('keeps text of every language', () => {
    for (const text of ['Ann’s iPhone', 'Jürgens Gerät', 'مرحبا', '日本語', '👩‍💻'])
      expect(printable(text)).toBe(text);
  });

  it('shortens long text', () => expect(printable('abcdef', 3)).toBe('abc'));
});
