/** The reader's zone in short, as each time below has it: `CET`, `GMT-5`. */
const ZONE = { timeZoneName: 'short' } as const;
const TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
const MOMENT = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  ...TIME,
  ...ZONE,
});
const CLOCK = new Intl.DateTimeFormat('en-GB', TIME);
const NAMED = new Intl.DateTimeFormat('en-GB', ZONE);

/** `3 Oct 2026, 12:00:05 UTC`: in the zone of the reader, to the second, as one thing may follow the other fast. */
export const moment = (at: string | number | Date): string => MOMENT.format(new Date(at));

/** `12:00:05`, where the zone is said once for many. */
export const clockTime = (at: string | number | Date): string => CLOCK.format(new Date(at));

export const zoneName = (): string =>
  NAMED.formatToParts(new Date()).find(({ type }) => type === 'timeZoneName')?.value ?? 'local time';
