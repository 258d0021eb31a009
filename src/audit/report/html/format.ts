const NUMBER = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const DAY = format({ day: 'numeric', month: 'long', year: 'numeric' });
const SHORT_DAY = format({ day: 'numeric', month: 'short' });
const FULL_DAY = format({ day: 'numeric', month: 'short', year: 'numeric' });
const MOMENT = format({
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});

/** Days of the report begin and end in UTC, and so does everything else in it. */
function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' });
}

/** Millions in short, for where there is little room. */
export const inShort = (count: number): string =>
  count < 1_000_000 ? inDigits(count) : COMPACT.format(count);

export const inDigits = (count: number): string => NUMBER.format(count);

/** `1 login`, `2 logins`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${inDigits(count)} ${count === 1 ? one : many}`;

export const moment = (at: Date): string => `${MOMENT.format(at)} UTC`;

/** `3 Oct`, for the axis of a chart. */
export const shortDay = (day: string): string => dated(day, SHORT_DAY);

/** `3 Oct 2026`. */
export const fullDay = (day: string): string => dated(day, FULL_DAY);

/** `1 to 30 November 2026`: what both days share is said once. */
export function period(from: string, to: string): string {
  const [first, last] = [dated(from, DAY), dated(to, DAY)];
  if (first === last) return last;
  const shared = [' ', / \d+$/].map((end) => first.slice(first.search(end)));
  const known = shared.find((end) => last.endsWith(end));
  return `${known === undefined ? first : first.slice(0, -known.length)} to ${last}`;
}

/** A length of time, roughly: it is for a person to judge. */
export function roughly(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes < 90) return counted(Math.max(1, Math.round(minutes)), 'minute');
  const hours = minutes / 60;
  return hours < 36 ? counted(Math.round(hours), 'hour') : counted(Math.round(hours / 24), 'day');
}

function dated(day: string, form: Intl.DateTimeFormat): string {
  const at = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(at.getTime()) ? day : form.format(at);
}
