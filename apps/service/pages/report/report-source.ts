import type { AuthClient } from 'nestjs-silent-auth-client';
import { ask, Problem } from './service.js';

export type Format = 'html' | 'csv' | 'json';

/** Both days included: `YYYY-MM-DD`, UTC. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** A response of another type, such as the page of a proxy, is not a report. */
const TYPES: Readonly<Record<Format, string>> = {
  html: 'text/html',
  csv: 'text/csv',
  json: 'application/json',
};

/** @throws Problem */
export function fetchReport(
  auth: Pick<AuthClient, 'fetch'>,
  { from, to }: Period,
  format: Format,
  signal: AbortSignal,
): Promise<string> {
  return ask(auth, {
    url: `/auth/admin/security-report?${new URLSearchParams({ from, to, format }).toString()}`,
    init: { signal },
    refusals: {
      404: 'There is nothing to report: this service keeps no audit log. AUDIT=on makes it keep one.',
    },
    read: (answer) => {
      if (!answer.headers.get('content-type')?.startsWith(TYPES[format]))
        throw new Problem('The response is not a report. Is a proxy between this page and the service?');
      return answer.text();
    },
  });
}

/** Lets the browser save a report as a file. */
export function save(body: string, format: Format, { from, to }: Period): void {
  const url = URL.createObjectURL(new Blob([body], { type: `${TYPES[format]};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `security-report-${from}-to-${to}.${format}`;
  link.click();
  // After the browser has acted on the click.
  setTimeout(() => URL.revokeObjectURL(url));
}
