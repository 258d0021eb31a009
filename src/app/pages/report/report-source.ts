import type { AuthClient } from '../../../client/index.js';
import { ask, Problem } from './service.js';

export type Format = 'html' | 'csv' | 'json';

/** Both days included: `YYYY-MM-DD`, UTC. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** Of what is no report, however it came: a page of a proxy, say. */
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
        throw new Problem('What came is no report. Is something between this page and the service?');
      return answer.text();
    },
  });
}
