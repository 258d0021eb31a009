import { AuthError } from './errors.js';

/** What a report covers at most: more than a year, so that one can be compared with the one before. */
export const MAX_DAYS = 400;
/** And where nothing is said, today among them. */
const DEFAULT_DAYS = 30;
const DAY_MS = 86_400_000;
/** Four digits of a year; a day after the last one is still a date. */
const LAST_DAY = Date.UTC(9999, 11, 31);

/** Days of UTC, `YYYY-MM-DD`, both included. */
export interface DayPeriod {
  readonly from: string;
  readonly to: string;
}

/**
 * The days from one moment to another. Without an end until today, or the beginning where that is later; without a
 * beginning the 30 days up to the end.
 * @throws AuthError `VALIDATION_FAILED` where the end is before the beginning, or more than 400 days away
 */
export function dayPeriod(from: Date | undefined, to: Date | undefined, now: Date): DayPeriod {
  const begin = from && startOfDay('from', from);
  const end = to ? startOfDay('to', to) : Math.max(startOfDay('to', now), begin ?? 0);
  const first = begin ?? Math.max(0, end - (DEFAULT_DAYS - 1) * DAY_MS);
  if (end < first) refuse('to', 'to must not be before from');
  if ((end - first) / DAY_MS >= MAX_DAYS)
    refuse('from', `from must be at most ${MAX_DAYS} days before the end, which is included`);
  return { from: dayOf(first), to: dayOf(end) };
}

/** All of its days, the earliest first. */
export function daysOf({ from, to }: DayPeriod): string[] {
  const first = Date.parse(from);
  const count = Math.round((Date.parse(to) - first) / DAY_MS) + 1;
  return Array.from({ length: count }, (_, index) => dayOf(first + index * DAY_MS));
}

/** Its first moment, and the first one after it. */
export function momentsOf({ from, to }: DayPeriod): { readonly from: Date; readonly to: Date } {
  return { from: new Date(from), to: new Date(Date.parse(to) + DAY_MS) };
}

function startOfDay(field: string, at: Date): number {
  const ms = at.getTime();
  const start = ms - (((ms % DAY_MS) + DAY_MS) % DAY_MS);
  // The log begins in 1970, as the ids of its rows do.
  if (!(start >= 0 && start <= LAST_DAY)) refuse(field, `${field} is no date of 1970 to 9999`);
  return start;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function refuse(field: string, message: string): never {
  throw new AuthError('VALIDATION_FAILED', { fields: [{ field, message }] });
}
