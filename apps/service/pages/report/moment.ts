const MOMENT = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZone: 'UTC',
});

/** `3 Oct 2026, 12:00:05 UTC`: in the time of the report, to the second, as one thing may follow the other fast. */
export const moment = (iso: string): string => `${MOMENT.format(new Date(iso))} UTC`;
