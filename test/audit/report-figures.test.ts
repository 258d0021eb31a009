import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { fieldToReason, MAX_REASONS, ReasonNames, reasonToField } from '../../src/audit/reason-names.js';
import { reportFigures } from '../../src/audit/report/report-figures.js';
import { dayPeriod, daysOf, momentsOf } from '../../src/audit/report/report-period.js';
import { reuseCase } from '../../src/audit/report/reuse-case.js';
import type { DayCount } from '../../src/audit/security-report.js';
import { AuthError } from '../../src/core/errors.js';
import { AUTH_EVENT_NAMES } from '../../src/core/events.js';

const NOW = new Date('2026-03-01T23:59:59.999Z');
const PERIOD = { from: '2026-02-27', to: '2026-03-01' };

function problemOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED' });
    return (error as AuthError).fields?.[0]?.field;
  }
  throw new Error('nothing was refused');
}

describe(dayPeriod.name, () => {
  it('defaults to the last 30 days, including today', () => {
    expect(dayPeriod(undefined, undefined, NOW)).toEqual({ from: '2026-01-31', to: '2026-03-01' });
  });

  it('contains the UTC days of both moments', () => {
    const [from, to] = [new Date('2026-02-28T23:30:00-02:00'), new Date('2026-03-01T23:59:59.999Z')];
    expect(dayPeriod(from, to, NOW)).toEqual({ from: '2026-03-01', to: '2026-03-01' });
    expect(dayPeriod(from, undefined, NOW)).toEqual({ from: '2026-03-01', to: '2026-03-01' });
    expect(dayPeriod(undefined, new Date('2025-01-30'), NOW)).toEqual({
      from: '2025-01-01',
      to: '2025-01-30',
    });
  });

  it('allows future days', () => {
    const later = new Date('2027-01-01');
    expect(dayPeriod(later, undefined, NOW)).toEqual({ from: '2027-01-01', to: '2027-01-01' });
    expect(dayPeriod(later, new Date('2027-01-02'), NOW)).toEqual({ from: '2027-01-01', to: '2027-01-02' });
  });

  test.each([
    ['2026-03-02', '2026-03-01', 'to'],
    ['2025-01-25', '2026-03-01', 'from'],
    ['1969-12-31', '1970-01-02', 'from'],
    ['0000-01-01', '2026-03-01', 'from'],
    ['2026-03-01', '9999-12-31T23:59:59-14:00', 'to'],
    ['nonsense', '2026-03-01', 'from'],
  ])('refuses %s to %s, and names %s', (from, to, field) => {
    expect(problemOf(() => dayPeriod(new Date(from), new Date(to), NOW))).toBe(field);
  });

  it('allows 400 days, and no more', () => {
    const [first, last] = [new Date('2025-01-26'), new Date('2026-03-01')];
    expect(daysOf(dayPeriod(first, last, NOW))).toHaveLength(400);
  });

  it('has every day once, in order, and the moments that enclose all of them', () => {
    const day = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });
    fc.assert(
      fc.property(day, fc.nat(399), (from, more) => {
        const to = new Date(Math.min(from.getTime() + more * 86_400_000, Date.UTC(9999, 11, 31)));
        fc.pre(to >= from);
        const period = dayPeriod(from, to, NOW);
        const days = daysOf(period);
        expect([days[0], days.at(-1)]).toEqual([period.from, period.to]);
        expect([...new Set(days)].sort()).toEqual(days);
        const moments = momentsOf(period);
        expect(moments.to.getTime() - moments.from.getTime()).toBe(days.length * 86_400_000);
        expect(moments.from <= from && to < moments.to).toBe(true);
      }),
    );
  });
});

describe(reportFigures.name, () => {
  const counts: DayCount[] = [
    { day: '2026-02-27', type: 'login.failed', count: 3, reasons: { wrong_password: 2, unknown_user: 1 } },
    { day: '2026-03-01', type: 'login.failed', count: 4 },
    { day: '2026-03-01', type: 'login.failed', count: 1, reasons: { unknown_user: 1 } },
    { day: '2026-03-01', type: 'refresh_token.replayed', count: 8 },
    { day: '2026-02-28', type: 'refresh_token.recovered', count: 2 },
    { day: '2026-03-02', type: 'login.failed', count: 100, reasons: { disabled: 100 } },
    { day: '2026-03-01', type: 'of.another_version' as never, count: 100, reasons: { x: 1 } },
  ];
  const figures = reportFigures(counts, PERIOD);

  it('has every type, the most frequent first, and also those that never occurred', () => {
    expect(figures.totals.slice(0, 3)).toEqual([
      { type: 'login.failed', count: 8 },
      { type: 'refresh_token.replayed', count: 8 },
      { type: 'refresh_token.recovered', count: 2 },
    ]);
    expect(figures.totals.map(({ type }) => type).sort()).toEqual([...AUTH_EVENT_NAMES].sort());
    expect(figures.totals.at(-1)?.count).toBe(0);
  });

  it('has every day with its own events only', () => {
    expect(figures.days).toEqual([
      { day: '2026-02-27', counts: { 'login.failed': 3 } },
      { day: '2026-02-28', counts: { 'refresh_token.recovered': 2 } },
      { day: '2026-03-01', counts: { 'login.failed': 5, 'refresh_token.replayed': 8 } },
    ]);
  });

  it('adds up the reasons of days that have them', () => {
    expect(figures.reasons).toEqual([
      { type: 'login.failed', reason: 'unknown_user', count: 2 },
      { type: 'login.failed', reason: 'wrong_password', count: 2 },
    ]);
  });

  it('reports the false alarms that were avoided', () => {
    expect(figures.falseAlarmsAvoided).toEqual({ replays: 8, recoveries: 2, healed: 0, isAtMost: false });
  });

  it('limits the number of reasons without losing a count, however many processes counted', () => {
    const many = Array.from({ length: 3 * MAX_REASONS }, (_, n) => [`rule ${n}`, n + 1] as const);
    const { reasons } = reportFigures(
      [
        {
          day: '2026-03-01',
          type: 'activity.suspected',
          count: 0,
          reasons: { ...Object.fromEntries(many), other: 7 },
        },
      ],
      PERIOD,
    );
    expect(reasons).toHaveLength(MAX_REASONS + 1);
    expect(reasons.reduce((sum, { count }) => sum + count, 0)).toBe(7 + (150 * 151) / 2);
    expect(reasons[0]).toMatchObject({ reason: 'other' });
    expect(reasons[1]).toMatchObject({ reason: 'rule 149', count: 150 });
  });
});

describe(ReasonNames.name, () => {
  it('keeps the first names of each type, and combines the rest', () => {
    const names = new ReasonNames();
    for (let n = 0; n < MAX_REASONS; n += 1) expect(names.of('a', `r${n}`)).toBe(`r${n}`);
    expect(names.of('a', 'one more')).toBe('other');
    expect(names.of('a', 'r7')).toBe('r7');
    expect(names.of('b', 'one more')).toBe('one more');
  });

  it('shortens long names without splitting a character', () => {
    expect([...new ReasonNames().of('a', '😀'.repeat(1000))]).toHaveLength(64);
  });
});

describe(reasonToField.name, () => {
  it('is a valid field name anywhere in the database, and can be converted back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const field = reasonToField(text);
        expect(field).toMatch(/^[^.$\0_][^.$\0]*$/);
        expect(fieldToReason(field)).toBe(text.toWellFormed());
      }),
    );
    for (const name of ['__proto__', '_id', '$where', 'a.b', '', '%', '\0'])
      expect(fieldToReason(reasonToField(name))).toBe(name);
  });

  it('returns a foreign field unchanged', () => {
    expect(fieldToReason('100%')).toBe('100%');
  });
});

describe(reuseCase.name, () => {
  const row = { id: 'x', at: NOW, type: 'refresh_token.reuse_detected' } as const;

  it('contains both sides, and the consequence', () => {
    const lastUse = { ip: '192.0.2.1', userAgent: null, at: NOW };
    expect(
      reuseCase({
        ...row,
        userId: 'u',
        sessionId: 's',
        reason: 'successor_confirmed',
        ip: '203.0.113.9',
        evidence: { generation: 3, presentedGeneration: 1, revoked: false, lastUse },
      }),
    ).toEqual({
      at: NOW,
      userId: 'u',
      sessionId: 's',
      classification: 'successor_confirmed',
      presentedGeneration: 1,
      generation: 3,
      revoked: false,
      source: { ip: '203.0.113.9', userAgent: null },
      lastUse,
    });
  });

  it('accepts a row with missing or malformed parts', () => {
    expect(reuseCase({ ...row, evidence: { lastUse: 'x', generation: '3' } })).toMatchObject({
      generation: 0,
      lastUse: null,
      source: { ip: null, userAgent: null },
    });
  });
});
