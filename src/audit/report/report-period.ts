import { dayOf } from '../../core/day.js';
import { AuthError } from '../../core/errors.js';
import { DAY_MS } from '../../core/limits.js';

/** Maximum length of a report in days: more than a year, so that a year can be compared with the previous one. */
const MAX_DAYS = 400;
/** Default length in days, including today. */
const DEFAULT_DAYS = 30;
/** The last day whose year has four digits. */
const LAST_DAY = Date.UTC(9999, 11, 31);

/** First and last day (UTC, `YYYY-MM-DD`), both included. */
export interface DayPeriod {
  readonly from: string;
  readonly to: string;
}

/**
 * The days between two moments. The end defaults to today, or to the beginning if that is later. Without a beginning the
 * period has 30 days, including the end.
 * @throws AuthError `VALIDATION_FAILED` if the end is before the beginning, or the period has more than 400 days
 */
export function dayPeriod(from: Date | undefined, to: Date | undefined, now: Date): DayPeriod {
  const begin = from && startOfDay('from', from);
  const end = to ? startOfDay('to', to) : Math.max(startOfDay('to', now), begin ?? 0);
  const first = begin ?? Math.max(0, end - (DEFAULT_DAYS - 1) * DAY_MS);
  if (end < first) refuse('to', 'to must not be before from');
  if ((end - first) / DAY_MS >= MAX_DAYS)
    refuse('from', `from must be at most ${MAX_DAYS} days before the end, which is included`);
  return { from: dayOf(new Date(first)), to: dayOf(new Date(end)) };
}

/** All days of the period, the earliest first. */
export function daysOf({ from, to }: DayPeriod): string[] {
  const first = Date.parse(from);
  const count = Math.round((Date.parse(to) - first) / DAY_MS) + 1;
  return Array.from({ length: count }, (_, index) => dayOf(new Date(first + index * DAY_MS)));
}

/** The first moment of the period, and the first moment after it. */
export function momentsOf({ from, to }: DayPeriod): { readonly from: Date; readonly to: Date } {
  return { from: new Date(from), to: new Date(Date.parse(to) + DAY_MS) };
}

function startOfDay(field: string, at: Date): number {
  const ms = at.getTime();
  const start = ms - (((ms % DAY_MS) + DAY_MS) % DAY_MS);
  // Row ids contain the time since 1970.
  if (!(start >= 0 && start <= LAST_DAY)) refuse(field, `${field} must be a date from 1970 to 9999`);
  return start;
}

function refuse(field: string, message: string): never {
  throw new AuthError('VALIDATION_FAILED', { fields: [{ field, message }] });
}
