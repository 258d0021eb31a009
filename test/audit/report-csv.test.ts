import { describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { securityReportCsv } from '../../src/audit/report/report-csv.js';
import { securityReport } from '../support/security-report.js';

type Line = Record<string, string>;

/** Parses by RFC 4180, independently of this library. */
function read(csv: string): Line[] {
  return parse(csv, { bom: true, columns: true, relax_column_count: false, record_delimiter: '\r\n' });
}
const withUserAgent = (userAgent: string) => {
  const [reuse] = securityReport().reuseCases;
  return securityReport({ reuseCases: [{ ...reuse!, source: { ip: '203.0.113.9', userAgent } }] });
};
const userAgentOf = (csv: string) => read(csv).find(({ section }) => section === 'reuseCases')?.userAgent;

/** Removes separators other than the comma, which have their own test. */
const withoutSeparators = (text: string) => text.replace(/[;|]/g, ',');

describe(securityReportCsv.name, () => {
  const csv = securityReportCsv(securityReport());
  const lines = read(csv);
  const of = (name: string) => lines.filter(({ section }) => section === name);

  it('contains every part of the report, under the names of its JSON', () => {
    expect(of('report').map(({ key, at, day }) => [key, at || day])).toEqual([
      ['generatedAt', '2026-03-01T12:00:00.000Z'],
      ['from', '2026-02-28'],
      ['to', '2026-03-01'],
    ]);
    expect(of('totals')[0]).toMatchObject({ type: 'login.failed', count: '12' });
    expect(of('reasons')).toEqual([
      expect.objectContaining({ type: 'login.failed', reason: 'wrong_password', count: '12' }),
    ]);
    expect(of('topSources')).toEqual([
      expect.objectContaining({ key: '203.0.113.9', count: '12', error: '0' }),
    ]);
    expect(of('topTargets')).toEqual([
      expect.objectContaining({ key: 'u1', userId: 'u1', email: 'ada@example.com', count: '9' }),
      expect.objectContaining({ key: 'u2', email: '', count: '3' }),
    ]);
    expect(of('reuseCases')).toEqual([
      expect.objectContaining({
        at: '2026-03-01T11:00:00.000Z',
        userId: 'u1',
        classification: 'successor_confirmed',
        presentedGeneration: '1',
        generation: '3',
        revoked: 'true',
        ip: '203.0.113.9',
        lastUseIp: '192.0.2.1',
        lastUseAt: '2026-03-01T10:59:00.000Z',
      }),
    ]);
    expect(of('falseAlarmsAvoided').map(({ key, count }) => [key, count])).toEqual([
      ['replays', '5'],
      ['recoveries', '0'],
      ['healed', '0'],
    ]);
    expect(of('sessions')).toEqual([expect.objectContaining({ key: 'active', count: '7' })]);
    expect(of('indexes')).toEqual([
      expect.objectContaining({
        collection: 'refresh_tokens',
        key: '{ expiresAt: 1 }',
        state: 'ok',
        isTtl: 'true',
        overdueMs: '0',
      }),
    ]);
  });

  it('has a series without gaps for each type that occurred', () => {
    expect(of('days').map(({ day, type, count }) => [day, type, count])).toEqual([
      ['2026-02-28', 'login.failed', '0'],
      ['2026-02-28', 'refresh_token.replayed', '5'],
      ['2026-03-01', 'login.failed', '12'],
      ['2026-03-01', 'refresh_token.replayed', '0'],
    ]);
  });

  it('is RFC 4180: CRLF line ends, the same number of cells in each line, and a UTF-8 mark', () => {
    expect(csv.startsWith('\uFEFFsection,')).toBe(true);
    expect(csv.endsWith('\r\n')).toBe(true);
    expect(csv.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(new Set(lines.map((line) => Object.keys(line).length)).size).toBe(1);
  });

  it.each([
    '=HYPERLINK("https://evil.example.net","ok")',
    '+1+1',
    '-2+3+cmd|" /C calc"!A0',
    '@SUM(A1)',
    '\t=1+1',
    '\r=1+1',
    '\n=1+1',
    '  =1+1',
    '＝1+1',
    '＋1',
    '－1',
    '＠A1',
    '"=1+1',
    'a",\r\n=1+1',
  ])('a user agent of %j is not a formula in any line', (userAgent) => {
    const hostile = securityReportCsv(withUserAgent(userAgent));
    for (const line of read(hostile))
      for (const cell of Object.values(line)) expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠\t\r\n]/);
    // Not even in a program that splits lines without looking at quotes.
    for (const line of hostile.split(/[\r\n]+/)) expect(line).not.toMatch(/^[=+\-@]/);
  });

  it.each([
    'x;=1+1',
    'x; =HYPERLINK("https://evil.example.net")',
    'x;"=1+1"',
    'x;""=1+1',
    "x;'@SUM(A1)",
    ';-1',
    'x|+1',
    'x;＝1',
    'x,=1+1',
  ])('a user agent of %j is not a formula for a program that splits at another character', (userAgent) => {
    const hostile = securityReportCsv(withUserAgent(userAgent));
    // Many European spreadsheets split at semicolons, and read the quotes within a cell as text.
    for (const cell of hostile.split(/\r\n|[;|]/)) expect(cell).not.toMatch(/^[\s"]*[=+\-@＝＋－＠]/);
  });

  it('does not change a usual user agent', () => {
    const usual = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)';
    expect(userAgentOf(securityReportCsv(withUserAgent(usual)))).toBe(usual);
  });

  it('any text survives a parser: in one line, and with a mark where a formula would begin', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }).map(withoutSeparators), (text) => {
        const plain = text
          .toWellFormed()
          .replace(/\p{Cc}+/gu, ' ')
          .trim();
        const shown = /^[=+\-@＝＋－＠]/.test(plain) ? `'${plain}` : plain;
        expect(userAgentOf(securityReportCsv(withUserAgent(text)))).toBe(shown);
      }),
      { numRuns: 500, examples: [['=1'], ['"'], ['a,b'], ['a\r\nb'], ["'"], ['\uD800']] },
    );
  });

  it('keeps numbers as numbers', () => {
    const [total] = read(securityReportCsv(securityReport())).filter(({ section }) => section === 'totals');
    expect(total?.count).toBe('12');
  });
});
