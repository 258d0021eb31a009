import { stringify } from 'csv-stringify/sync';
import type { SecurityReport } from '../security-report.js';

/** The columns, named as in the JSON of the report; a row fills those that its section has. */
const COLUMNS = [
  ...['section', 'day', 'at', 'type', 'reason', 'key', 'count', 'error', 'email', 'userId', 'sessionId'],
  ...['classification', 'presentedGeneration', 'generation', 'revoked', 'ip', 'userAgent'],
  ...['lastUseAt', 'lastUseIp', 'lastUseUserAgent', 'collection', 'isTtl', 'state', 'found', 'overdueMs'],
];

type Cells = Readonly<Record<string, string | number | boolean | Date | null | undefined>>;

/**
 * The report as one CSV (RFC 4180) in long form: every row says of which `section` it is, so spreadsheets and programs read all
 * of it as one table and filter. What users typed stays text: no cell begins as a formula does. A byte order mark is at its
 * beginning, without which Excel takes UTF-8 for something else.
 */
export function securityReportCsv(report: SecurityReport): string {
  return stringify(rowsOf(report), {
    columns: COLUMNS,
    header: true,
    bom: true,
    record_delimiter: 'windows',
    escape_formulas: true,
    cast: { string: oneLine, boolean: String, date: (date) => date.toISOString() },
  });
}

function rowsOf(report: SecurityReport): Cells[] {
  const { generatedAt, from, to, falseAlarmsAvoided, sessions } = report;
  const in_ = <T>(section: string, items: readonly T[], cells: (item: T) => Cells): Cells[] =>
    items.map((item) => ({ section, ...cells(item) }));
  return [
    { section: 'report', key: 'generatedAt', at: generatedAt },
    { section: 'report', key: 'from', day: from },
    { section: 'report', key: 'to', day: to },
    ...in_('totals', report.totals, (total) => ({ ...total })),
    ...daily(report),
    ...in_('reasons', report.reasons, (reason) => ({ ...reason })),
    ...in_('topSources', report.topSources, (source) => ({ ...source })),
    ...in_('topTargets', report.topTargets, ({ key, ...target }) => ({ ...target, key, userId: key })),
    ...in_('reuseCases', report.reuseCases, ({ source, lastUse, ...reuse }) => ({
      ...reuse,
      ...source,
      lastUseAt: lastUse?.at,
      lastUseIp: lastUse?.ip,
      lastUseUserAgent: lastUse?.userAgent,
    })),
    { section: 'falseAlarmsAvoided', key: 'replays', count: falseAlarmsAvoided.replays },
    { section: 'falseAlarmsAvoided', key: 'recoveries', count: falseAlarmsAvoided.recoveries },
    { section: 'falseAlarmsAvoided', key: 'healed', count: falseAlarmsAvoided.healed },
    { section: 'sessions', key: sessions.isAtLeast ? 'active, at least' : 'active', count: sessions.active },
    ...in_('indexes', report.indexes, ({ index, ...state }) => ({ ...state, key: index })),
  ];
}

/** Of every type that came, every day: a series has its zeros. */
function daily({ totals, days }: SecurityReport): Cells[] {
  const types = totals.filter(({ count }) => count > 0).map(({ type }) => type);
  return days.flatMap(({ day, counts }) =>
    types.map((type) => ({ section: 'days', day, type, count: counts[type] ?? 0 })),
  );
}

/** Where a cell begins for a spreadsheet of a country in which the comma is in numbers: quotes do not help there. */
const OTHER_SEPARATOR = /[;|](?=[\s"']*[=+\-@＝＋－＠])/gu;

/** Without what ends a line or hides a formula: some programs look for one behind spaces. */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .replace(OTHER_SEPARATOR, "$&'")
    .trim();
}
