import { dayOf } from '../../core/day.js';
import { AuthError } from '../../core/errors.js';
import { DAY_MS } from '../../core/limits.js';

/** Maximum length of a report: more than a year, so that a year can be compared with the one before. */
const MAX_DAYS = 400;
/** Default length, today included. */
const DEFAULT_DAYS = 30;
/** The last day whose year has four digits. */
const LAST_DAY = Date.UTC(9999, 11, 31);

/** Days of UTC, `YYYY-MM-DD`, both included. */
export interface DayPeriod {
  readonly from: string;
  readonly to: string;
}

/**
 * The days from one moment to another. The end defaults to today, or to the beginning if that is later. The beginning
 * defaults to 30 days, the end included.
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

/** All of its days, the earliest first. */
export function daysOf({ from, to }: DayPeriod): string[] {
  const first = Date.parse(from);
  const count = Math.round((Date.parse(to) - first) / DAY_MS) + 1;
  return Array.from({ length: count }, (_, index) => dayOf(new Date(first + index * DAY_MS)));
}

/** Its first moment, and the first one after it. */
export function momentsOf({ from, to }: DayPeriod): { readonly from: Date; readonly to: Date } {
  return { from: new Date(from), to: new Date(Date.parse(to) + DAY_MS) };
}

function startOfDay(field: string, at: Date): number {
  const ms = at.getTime();
  const start = ms - (((ms % DAY_MS) + DAY_MS) % DAY_MS);
  // The ids of the rows begin in 1970.
  if (!(start >= 0 && start <= LAST_DAY)) refuse(field, `${field} is no date of 1970 to 9999`);
  return start;
}

function refuse(field: string, message: string): never {
  throw new AuthError('VALIDATION_FAILED', { fields: [{ field, message }] });
}
