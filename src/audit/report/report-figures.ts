import { AUTH_EVENT_NAMES, type AuthEventName } from '../../core/events.js';
import { MAX_REASONS, OTHER_REASONS } from '../reason-names.js';
import type { DayCount, EventTotal, ReasonTotal, ReportDay, SecurityReport } from '../security-report.js';
import { type InDoubt, NONE_IN_DOUBT } from './in-doubt.js';
import type { DayPeriod } from './report-period.js';
import { daysOf } from './report-period.js';

/** The parts of a report that come only from daily counters. */
export type ReportFigures = Pick<SecurityReport, 'totals' | 'days' | 'reasons' | 'falseAlarmsAvoided'>;

/**
 * Sums the counters of days. A day and type may have several counters.
 * @param doubt what is left out of the false alarms that were avoided
 */
export function reportFigures(
  counts: readonly DayCount[],
  period: DayPeriod,
  doubt: InDoubt = NONE_IN_DOUBT,
): ReportFigures {
  const totals = new Map<AuthEventName, number>(AUTH_EVENT_NAMES.map((type) => [type, 0]));
  const days = new Map<string, Partial<Record<AuthEventName, number>>>(
    daysOf(period).map((day) => [day, {}]),
  );
  for (const { day, type, count } of counts) {
    const ofDay = days.get(day);
    // Another version may have counted a type that is unknown here.
    const total = totals.get(type);
    if (!ofDay || total === undefined || count === 0) continue;
    ofDay[type] = (ofDay[type] ?? 0) + count;
    totals.set(type, total + count);
  }
  return {
    totals: [...totals].map(([type, count]): EventTotal => ({ type, count })).sort(mostFirst),
    days: [...days].map(([day, ofDay]): ReportDay => ({ day, counts: ofDay })),
    reasons: reasonsOf(counts.filter(({ day, type }) => days.has(day) && totals.has(type))),
    falseAlarmsAvoided: {
      replays: without(totals.get('refresh_token.replayed'), doubt.replays),
      recoveries: without(totals.get('refresh_token.recovered'), doubt.recoveries),
      healed: without(totals.get('refresh_token.healed'), doubt.healed),
      isAtMost: !doubt.isExact,
    },
  };
}

/** Rows and counters are written one after the other: there may be a row that is not counted yet. */
const without = (count = 0, less: number): number => Math.max(0, count - less);

function reasonsOf(counts: readonly DayCount[]): ReasonTotal[] {
  const byType = new Map<AuthEventName, Map<string, number>>();
  for (const { type, reasons = {} } of counts) {
    const ofType = byType.get(type) ?? new Map<string, number>();
    byType.set(type, ofType);
    for (const [reason, count] of Object.entries(reasons))
      ofType.set(reason, count + (ofType.get(reason) ?? 0));
  }
  return [...byType].flatMap(([type, ofType]) => mostFrequent(type, ofType)).sort(mostFirst);
}

/** Applies the limit again: it holds per process, and several processes together may have more reasons. */
function mostFrequent(type: AuthEventName, reasons: ReadonlyMap<string, number>): ReasonTotal[] {
  const all = [...reasons].map(([reason, count]): ReasonTotal => ({ type, reason, count }));
  const named = all.filter(({ reason }) => reason !== OTHER_REASONS).sort(mostFirst);
  const kept = named.slice(0, MAX_REASONS);
  const other = [...named.slice(MAX_REASONS), ...all.filter(({ reason }) => reason === OTHER_REASONS)];
  const count = other.reduce((sum, each) => sum + each.count, 0);
  return count > 0 ? [...kept, { type, reason: OTHER_REASONS, count }] : kept;
}

/** Equal counts are sorted by name, so that two reports of the same days are equal. */
function mostFirst(
  a: { type: string; count: number; reason?: string },
  b: { type: string; count: number; reason?: string },
): number {
  return b.count - a.count || compare(a.type, b.type) || compare(a.reason ?? '', b.reason ?? '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
