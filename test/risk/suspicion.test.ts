import { describe, expect, it } from '@jest/globals';
import { readSuspicion } from '../../src/risk/suspicion.js';

describe(readSuspicion.name, () => {
  it.each([null, undefined, false])('%s is not a suspicion', (given) => {
    expect(readSuspicion(given)).toBeNull();
  });

  it('keeps strings, numbers, booleans and nulls, and replaces other values by their type', () => {
    const given = { text: 'odd', count: 0, flag: false, nothing: null, list: [1], later: undefined };
    expect(readSuspicion(given)).toEqual({
      text: 'odd',
      count: 0,
      flag: false,
      nothing: null,
      list: '(object)',
      later: '(undefined)',
    });
  });

  it('removes characters with a meaning to the database from names', () => {
    const given = { $where: 1, 'a.b$c': 2, _id: 3, snake_case: 4, 'line\n': 5 };
    expect(readSuspicion(given)).toEqual({ '-where': 1, 'a-b-c': 2, '-id': 3, snake_case: 4, 'line-': 5 });
  });

  it('is limited in its fields, their names and their texts, which stay well-formed', () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`field${index}`, index]));
    expect(Object.keys(readSuspicion(many) ?? {})).toHaveLength(20);
    const [[name, text] = ['', '']] = Object.entries(
      readSuspicion({ [`${'n'.repeat(63)}😀`]: `${'t'.repeat(255)}😀` }) ?? {},
    );
    expect([name, text]).toEqual([`${'n'.repeat(63)}\ufffd`, `${'t'.repeat(255)}\ufffd`]);
  });

  it.each([
    ['a list', [1], 'neither an object nor null'],
    ['a text', 'odd', 'neither an object nor null'],
    ['a promise', Promise.resolve({ odd: true }), 'a promise'],
  ])('refuses %s', (_what, given, message) => {
    expect(() => readSuspicion(given)).toThrow(message);
  });
});
