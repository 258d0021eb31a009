import { describe, expect, it } from '@jest/globals';
import { printable } from '../../src/core/printable.js';

describe(printable.name, () => {
  it.each([
    ['a line of its own', 'one\r\ntwo', 'onetwo'],
    ['NUL', 'one\0two', 'onetwo'],
    ['a colour of the terminal', '\u001b[31mred\u001b[0m', '[31mred[0m'],
    [
      'the same in one character, and a line break of Latin-1',
      '\u009b31mEVIL\u009b0m\u0085fake',
      '31mEVIL0mfake',
    ],
    ['separators of lines', 'one\u2028two\u2029three', 'onetwothree'],
    ['text that is shown from right to left', 'user\u202egpj.exe', 'usergpj.exe'],
    ['isolated directions', 'a\u2066b\u2069c', 'abc'],
    ['half of a character', 'a\ud83d', 'a\ufffd'],
  ])('takes out %s', (_what, given, shown) => expect(printable(given)).toBe(shown));

  it('leaves text of every language as it is', () => {
    for (const text of ['Ann’s iPhone', 'Jürgens Gerät', 'مرحبا', '日本語', '👩‍💻'])
      expect(printable(text)).toBe(text);
  });

  it('cuts what is long', () => expect(printable('abcdef', 3)).toBe('abc'));
});
