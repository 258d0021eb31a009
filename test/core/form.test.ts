import { describe, expect, it } from '@jest/globals';
import { formOf, parseForm } from '../../src/core/form.js';

describe('a form', () => {
  it('is read by name, and a parameter without a value counts as absent', () => {
    const form = new Map([
      ['token', 'a b&c'],
      ['hint', 'x'],
    ]);
    expect(parseForm('token=a+b%26c&hint=x&empty=')).toEqual(form);
    expect(formOf({ token: 'a b&c', hint: 'x', empty: '' })).toEqual(form);
    expect(parseForm('')).toEqual(new Map());
  });

  it.each(['token=a&token=b', 'token=a&token=', 'token=&token=a'])(
    'with a repeated parameter is refused: %s',
    (text) => {
      expect(parseForm(text)).toBeNull();
    },
  );

  it.each([{ token: ['a', 'b'] }, { token: { $ne: '' } }, { token: 1 }, { token: null }])(
    'that a parser of the host turned into something else is refused: %j',
    (parsed) => {
      expect(formOf(parsed)).toBeNull();
    },
  );
});
