import { describe, expect, it } from '@jest/globals';
import { dayOf, isDay } from '../../src/core/day.js';

describe(dayOf.name, () => {
  it('gives the UTC day, whatever the time zone of the process', () => {
    expect(dayOf(new Date('2026-01-31T23:59:59.999Z'))).toBe('2026-01-31');
    expect(dayOf(new Date('2026-02-01T01:30:00+02:00'))).toBe('2026-01-31');
  });
});

describe(isDay.name, () => {
  it.each(['2026-01-31', '2024-02-29', '2026-12-31'])('accepts %s', (text) => {
    expect(isDay(text)).toBe(true);
  });

  it.each([
    '2026-02-30',
    '2025-02-29',
    '2026-13-01',
    '2026-00-10',
    'yesterday',
    '2026',
    '2026-01',
    '',
    '31.01.2026',
  ])('refuses %s', (text) => {
    expect(isDay(text)).toBe(false);
  });
});
