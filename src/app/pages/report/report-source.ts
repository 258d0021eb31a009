import { type AuthClient, AuthClientError } from '../../../client/index.js';
import { later } from '../later.js';

export type Format = 'html' | 'csv' | 'json';

/** Both days included: `YYYY-MM-DD`, UTC. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** What went wrong, in words for whoever reads the page. */
export class ReportProblem extends Error {}

/** Of what is no report, however it came: a page of a proxy, say. */
const TYPES: Readonly<Record<Format, string>> = {
  html: 'text/html',
  csv: 'text/csv',
  json: 'application/json',
};

/** @throws ReportProblem */
export async function fetchReport(
  auth: Pick<AuthClient, 'fetch'>,
  { from, to }: Period,
  format: Format,
  signal: AbortSignal,
): Promise<string> {
  const url = `/auth/admin/security-report?${new URLSearchParams({ from, to, format }).toString()}`;
  try {
    const answer = await auth.fetch(url, { signal });
    if (!answer.ok) throw new ReportProblem(await explain(answer));
    if (!answer.headers.get('content-type')?.startsWith(TYPES[format]))
      throw new ReportProblem('What came is no report. Is something between this page and the service?');
    return await answer.text();
  } catch (reason) {
    if (reason instanceof ReportProblem) throw reason;
    if (reason instanceof AuthClientError && reason.status !== undefined)
      throw new ReportProblem(reason.message);
    throw new ReportProblem('The service cannot be reached. Is this device offline?');
  }
}

interface Refusal {
  readonly message?: string;
  readonly details?: readonly { readonly field: string; readonly message: string }[];
}

async function explain(answer: Response): Promise<string> {
  switch (answer.status) {
    case 401:
      return 'Your session has ended. Sign in again.';
    case 403:
      return 'The service takes you for no administrator any more.';
    case 404:
      return 'There is nothing to report: this service keeps no audit log. AUDIT=on makes it keep one.';
    case 429:
      return `That was asked too often. Try again ${later(answer.headers.get('retry-after'))}.`;
    case 503:
      return `The database does not answer. Try again ${later(answer.headers.get('retry-after'))}.`;
    default:
  }
  const { message, details } = (await answer.json().catch(() => ({}))) as Refusal;
  const problems = details?.map((problem) => `${problem.message}.`) ?? [];
  return [message ?? `The service answered ${answer.status}.`, ...problems].join(' ');
}
