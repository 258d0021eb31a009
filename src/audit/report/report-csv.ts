import { stringify } from 'csv-stringify/sync';
import type { SecurityReport } from '../security-report.js';

/** The columns, named as in the JSON report. A row fills those that its section has. */
const COLUMNS = [
  ...['section', 'day', 'at', 'type', 'reason', 'key', 'count', 'error', 'email', 'userId', 'sessionId'],
  ...['classification', 'presentedGeneration', 'generation', 'revoked', 'ip', 'userAgent'],
  ...['lastUseAt', 'lastUseIp', 'lastUseUserAgent', 'collection', 'isTtl', 'state', 'found', 'overdueMs'],
];

type Cells = Readonly<Record<string, string | number | boolean | Date | null | undefined>>;

/**
 * The report as one CSV (RFC 4180) in long form: every row has a `section`, so spreadsheets and programs can read the whole
 * report as one table and filter it. Text from users stays text: no cell begins like a formula. It begins with a byte order
 * mark, because Excel does not detect UTF-8 without it.
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

/** One row per day for every type that occurred, including zeros. */
function daily({ totals, days }: SecurityReport): Cells[] {
  const types = totals.filter(({ count }) => count > 0).map(({ type }) => type);
  return days.flatMap(({ day, counts }) =>
    types.map((type) => ({ section: 'days', day, type, count: counts[type] ?? 0 })),
  );
}

/** A cell boundary for spreadsheets of locales with `;` as the separator, where our quotes do not help. */
const OTHER_SEPARATOR = /[;|](?=[\s"']*[=+\-@＝＋－＠])/gu;

/** Removes line breaks, control characters and outer spaces: some programs detect a formula even after spaces. */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .replace(OTHER_SEPARATOR, "$&'")
    .trim();
}
