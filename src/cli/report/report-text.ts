import { roughly } from '../../audit/report/html/format.js';
import type { ReuseCase, SecurityReport } from '../../audit/security-report.js';
import type { TopEntry } from '../../audit/top-counter.js';
import { MAX_OVERDUE_MS } from '../../core/limits.js';
import type { IndexState } from '../../database/index-state.js';
import { bar, fitted, plain, sparkline, Style, table, visible, wrapped } from './terminal-text.js';

export interface Terminal {
  /** Columns. */
  readonly width: number;
  readonly hasColors: boolean;
}

const NUMBER = new Intl.NumberFormat('en');
const MAX_BAR = 30;
/** Maximum length of a name in the report. */
const MAX_NAME = 40;
const LEAST_WIDTH = 50;

/** The report for people at a terminal. */
export function reportText(report: SecurityReport, { width: given, hasColors }: Terminal): string {
  const width = Math.max(LEAST_WIDTH, given);
  const style = new Style(hasColors);
  const section = (title: string, lines: readonly string[]) => [
    '',
    style.title(title),
    // The report may come from any service, so none of its text is trusted.
    ...lines.map((line) => `  ${fitted(visible(line), width - 2)}`),
  ];
  const ifAny = (title: string, lines: readonly string[]) => (lines.length > 0 ? section(title, lines) : []);
  const { from, to, generatedAt, days, reuseCases, sessions } = report;
  const lines = [
    style.title(`Security report, ${from} to ${to}`),
    style.quiet(
      `${days.length === 1 ? 'one day' : `${days.length} days`} (UTC), generated ${moment(generatedAt)}`,
    ),
    ...section('Events', [...events(report, width), ...never(report, width)]),
    ...ifAny('Reasons', reasons(report, width)),
    ...ifAny(
      'Failed logins, by address',
      tops(report.topSources, ({ key }) => plain(key)),
    ),
    ...ifAny(
      'Failed logins, by user',
      tops(report.topTargets, ({ key, email }) => `${plain(email ?? '(deleted)')}  ${plain(key)}`),
    ),
    ...section(
      `Refresh tokens used twice: ${reuseCases.length === 0 ? 'none' : 'the newest first'}`,
      reuseCases.flatMap(reuse),
    ),
    ...section('Races and lost responses', falseAlarms(report)),
    ...section('Live sessions now', [
      `${sessions.isAtLeast ? 'at least ' : ''}${NUMBER.format(sessions.active)}`,
    ]),
    ...section('Indexes', indexes(report.indexes)),
  ];
  return `${lines.join('\n')}\n`;
}

function events({ totals, days }: SecurityReport, width: number): string[] {
  const came = totals.filter(({ count }) => count > 0);
  const nameWidth = Math.max(0, ...came.map(({ type }) => type.length));
  const countWidth = Math.max(0, ...came.map(({ count }) => NUMBER.format(count).length));
  const room = width - 2 - nameWidth - countWidth - 4;
  return table(
    came.map(({ type, count }) => [
      type,
      NUMBER.format(count),
      sparkline(
        days.map(({ counts }) => counts[type] ?? 0),
        room,
      ),
    ]),
    [{}, { align: 'right' }, {}],
  );
}

/** Lists the events that did not occur, because that is information too. */
function never({ totals }: SecurityReport, width: number): string[] {
  const types = totals.filter(({ count }) => count === 0).map(({ type }) => type);
  return types.length === 0 ? [] : wrapped(`none: ${types.join(', ')}`, width - 2);
}

function reasons({ reasons: all }: SecurityReport, width: number): string[] {
  const most = Math.max(...all.map(({ count }) => count));
  const rows = all.map(({ type, reason, count }) => [
    type,
    plain(reason),
    NUMBER.format(count),
    bar(count, most, Math.min(MAX_BAR, Math.floor(width / 4))),
  ]);
  return table(rows, [{}, { width: MAX_NAME }, { align: 'right' }, {}]);
}

function tops<T extends TopEntry>(entries: readonly T[], name: (entry: T) => string): string[] {
  const most = Math.max(...entries.map(({ count }) => count));
  const rows = entries.map((entry) => [name(entry), range(entry), bar(entry.count, most, MAX_BAR)]);
  return table(rows, [{ width: 2 * MAX_NAME }, { align: 'right' }, {}]);
}

/** The range that contains the true number. */
function range({ count, error }: TopEntry): string {
  return error === 0 ? NUMBER.format(count) : `${NUMBER.format(count - error)}–${NUMBER.format(count)}`;
}

function reuse({
  at,
  userId,
  sessionId,
  classification,
  presentedGeneration,
  generation,
  revoked,
  source,
  lastUse,
}: ReuseCase): string[] {
  const outcome = revoked ? 'session ended' : 'reported only';
  return [
    `${moment(at)}  ${plain(classification)}, generation ${presentedGeneration} of ${generation}, ${outcome}`,
    `  user ${plain(userId)}, session ${plain(sessionId)}`,
    `  presented by  ${plain(source.ip ?? 'unknown')}  ${plain(source.userAgent ?? '')}`,
    lastUse
      ? `  last used by  ${plain(lastUse.ip)}  ${plain(lastUse.userAgent ?? '')}  (${moment(lastUse.at)})`
      : '  last use unknown',
  ];
}

function falseAlarms({ falseAlarmsAvoided }: SecurityReport): string[] {
  const { replays, recoveries, healed, isAtMost } = falseAlarmsAvoided;
  const atMost = isAtMost ? 'at most ' : '';
  return [
    `${atMost}${NUMBER.format(replays)} races and retries that were answered`,
    `${atMost}${NUMBER.format(recoveries)} lost answers that were made good`,
    `${atMost}${NUMBER.format(healed)} clients that had fallen back, healed`,
    'sessions in which a theft or a second holder was found are left out',
  ];
}

function indexes(all: readonly IndexState[]): string[] {
  const lines = all.flatMap(({ collection, index, state, found, overdueMs }) => {
    const name = `${collection} ${index}`;
    if (state === 'missing') return [`${name} is missing`];
    if (state === 'different') return [`${name} is different: ${found ?? ''}`];
    if (overdueMs === null || overdueMs <= MAX_OVERDUE_MS) return [];
    return [`${name} is late: the oldest expired document has waited ${roughly(overdueMs)} to be removed`];
  });
  return lines.length > 0 ? lines : [`all ${all.length} are correct`];
}

function moment(at: Date): string {
  return at
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}
