import type { Format, Period } from './report-source.js';

const TYPES: Readonly<Record<Format, string>> = {
  html: 'text/html',
  csv: 'text/csv',
  json: 'application/json',
};

/** Gives the browser a file to keep. */
export function save(body: string, format: Format, { from, to }: Period): void {
  const url = URL.createObjectURL(new Blob([body], { type: `${TYPES[format]};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `security-report-${from}-to-${to}.${format}`;
  link.click();
  // When the click has been acted on.
  setTimeout(() => URL.revokeObjectURL(url));
}
