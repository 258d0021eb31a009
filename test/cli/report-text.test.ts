import { describe, expect, it } from '@jest/globals';
import { reportText } from '../../src/cli/report/report-text.js';
import { bar, fitted, plain, sparkline, table, wrapped } from '../../src/cli/report/terminal-text.js';
import { securityReport } from '../support/security-report.js';

const text = (over: Parameters<typeof securityReport>[0] = {}, width = 100, hasColors = false) =>
  reportText(securityReport(over), { width, hasColors });

describe(reportText.name, () => {
  it('aligns names, counts and days', () => {
    expect(text()).toContain('  login.failed            12  ·█\n  refresh_token.replayed   5  █·\n');
  });

  it('lists what did not happen', () => {
    expect(text().replaceAll(/\s+/g, ' ')).toMatch(/none: .*session\.revoked/);
  });

  it('shows an uncertain count as a range', () => {
    expect(text()).toMatch(/ada@example\.com {2}u1 +8–9 {2}█/);
    expect(text()).toMatch(/\(deleted\) {2}u2 +3 {2}█/);
  });

  it('fits any readable width', () => {
    for (const width of [50, 60, 80, 200])
      for (const line of text({}, width).split('\n')) expect([...line].length).toBeLessThanOrEqual(width);
    expect(text({}, 1)).toBe(text({}, 50));
  });

  it('uses colours only if the terminal has them', () => {
    expect(text({}, 80, true)).toContain('\u001b[1mSecurity report');
    expect(text({}, 80, false)).not.toContain('\u001b');
    // Without the colours it is the same.
    expect(text({}, 80, true).replaceAll(/\u001b\[\d+m/g, '')).toBe(text({}, 80, false));
  });

  it('reports missing, different and late indexes', () => {
    const state = { collection: 'users', index: '{ email: 1 }', isTtl: false, found: null, overdueMs: null };
    const report = text({
      indexes: [
        { ...state, state: 'missing' },
        { ...state, state: 'different', found: 'unique' },
        { ...state, index: '{ expiresAt: 1 }', state: 'ok', isTtl: true, overdueMs: 5 * 3_600_000 },
        // The page and the doctor have the same limit: ten minutes.
        { ...state, index: '{ expire: 1 }', state: 'ok', isTtl: true, overdueMs: 11 * 60_000 },
        { ...state, index: '{ at: 1 }', state: 'ok', isTtl: true, overdueMs: 10 * 60_000 },
        { ...state, state: 'ok' },
      ],
    });
    expect(report).toContain('users { email: 1 } is missing');
    expect(report).toContain('users { email: 1 } is different: unique');
    expect(report).toMatch(/users \{ expiresAt: 1 \} is late: .* 5 hours/);
    expect(report).toMatch(/users \{ expire: 1 \} is late: .* 11 minutes/);
    expect(report).not.toContain('{ at: 1 }');
    expect(text()).toContain('all 1 are correct');
  });

  it('says if there is more than was counted, and if there is nothing', () => {
    expect(text({ sessions: { active: 100_000, isAtLeast: true } })).toContain('at least 100,000');
    const empty = text({ reuseCases: [], topSources: [], topTargets: [], reasons: [], totals: [], days: [] });
    expect(empty).toContain('Refresh tokens used twice: none');
    expect(empty).not.toContain('Reasons');
  });

  it('keeps what users sent on its own line', () => {
    const [reuse] = securityReport().reuseCases;
    const hostile = '\r\n\u001b]0;title\u0007\u001b[1A\u001b[2K\u009b31mevil\u2028\u202e';
    const report = text({
      reuseCases: [
        {
          ...reuse!,
          classification: hostile,
          userId: hostile,
          sessionId: hostile,
          source: { ip: hostile, userAgent: hostile },
          lastUse: { ip: hostile, userAgent: hostile, at: new Date(0) },
        },
      ],
      reasons: [{ type: 'activity.suspected', reason: hostile, count: 1 }],
      topSources: [{ key: hostile, count: 1, error: 0 }],
      topTargets: [{ key: hostile, email: hostile, count: 1, error: 0 }],
    });
    expect(report).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}]/u);
    expect(report.split('\n')).toHaveLength(text().split('\n').length - 1);
  });
});

describe('text of a terminal', () => {
  it('is cut between characters', () => {
    expect([fitted('abcdef', 4), fitted('abcd', 4), fitted('😀😀😀', 2)]).toEqual(['abc…', 'abcd', '😀…']);
  });

  it('contains no control characters', () => {
    expect(plain(' a\tb\u001b[31mc\ud800 ')).toBe('a bc\ufffd');
  });

  it('shows a series, combines days if there are many, and marks days without events', () => {
    expect(sparkline([0, 1, 4, 8], 10)).toBe('·▁▄█');
    expect(sparkline([1, 1, 1, 1, 0, 0], 3)).toBe('██·');
    expect(sparkline([0, 0], 10)).toBe('··');
    expect(sparkline([], 10)).toBe('');
    expect(
      [
        ...sparkline(
          Array.from({ length: 400 }, () => 1),
          73,
        ),
      ].length,
    ).toBeLessThanOrEqual(73);
  });

  it('shows even the smallest count', () => {
    expect([bar(1, 1000, 10), bar(1000, 1000, 10), bar(0, 10, 10)]).toEqual(['█', '█'.repeat(10), '']);
  });

  it('has columns', () => {
    const columns = [{ width: 3 }, { align: 'right' as const }];
    expect(
      table(
        [
          ['abcd', '1'],
          ['a', '10'],
        ],
        columns,
      ),
    ).toEqual(['ab…   1', 'a    10']);
  });

  it('is wrapped between words', () => {
    expect(wrapped('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  });
});
