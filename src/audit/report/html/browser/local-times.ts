const MOMENT = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
});

/** Moments in the zone of the reader, which they name; days stay those of UTC, by which the report counts. */
export function showLocalTimes(page: Document): void {
  for (const time of page.querySelectorAll('time')) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = MOMENT.format(at);
  }
}
