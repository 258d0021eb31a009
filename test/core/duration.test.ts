import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDuration } from '../../src/core/duration.js';

const TEN_YEARS_MS = 3650 * 24 * 60 * 60 * 1000;

describe(parseDuration.name, () => {
  it.each([
    ['500ms', 500],
    ['1s', 1000],
    ['15m', 15 * 60 * 1000],
    ['24h', 24 * 60 * 60 * 1000],
    ['7d', 7 * 24 * 60 * 60 * 1000],
    ['2w', 14 * 24 * 60 * 60 * 1000],
    ['1.5h', 90 * 60 * 1000],
    ['10 s', 10_000],
    [' 10s ', 10_000],
  ])('reads %j', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it('reads a bare number as seconds, also as text from an environment variable', () => {
    expect(parseDuration(900)).toBe(900_000);
    expect(parseDuration('900')).toBe(900_000);
    expect(parseDuration(0.25)).toBe(250);
  });

  it('accepts zero', () => {
    expect(parseDuration(0)).toBe(0);
    expect(parseDuration('0s')).toBe(0);
  });

  it.each([
    '',
    ' ',
    'm',
    '15 minutes',
    '15M',
    '1h30m',
    '-1s',
    '+1s',
    '1e3',
    '1,5h',
    '.5h',
    '5.',
    '0x10',
    'Infinity',
    '١s',
  ])('refuses the ambiguous %j', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  it.each([
    [NaN],
    [Infinity],
    [-Infinity],
    [-1],
    [undefined],
    [null],
    [true],
    [[]],
    [{}],
    [10n],
    [new Date(0)],
  ])('refuses %p, which is not a duration', (value) => {
    expect(parseDuration(value)).toBeNull();
  });

  it('refuses more than ten years, a sign of milliseconds passed as seconds', () => {
    expect(parseDuration('3650d')).toBe(TEN_YEARS_MS);
    expect(parseDuration('3651d')).toBeNull();
    expect(parseDuration(7 * 24 * 60 * 60 * 1000)).toBeNull();
    expect(parseDuration('9'.repeat(400))).toBeNull();
  });

  it('for any text, returns null or a whole number of milliseconds up to ten years', () => {
    const durationLike = fc
      .tuple(fc.oneof(fc.nat(), fc.double({ min: 0 })), fc.constantFrom('', 'ms', 's', 'm', 'h', 'd', 'w'))
      .map(([amount, unit]) => `${amount}${unit}`);
    fc.assert(
      fc.property(fc.oneof(durationLike, fc.string(), fc.anything()), (value) => {
        const ms = parseDuration(value);
        return ms === null || (Number.isSafeInteger(ms) && ms >= 0 && ms <= TEN_YEARS_MS);
      }),
    );
  });
});
