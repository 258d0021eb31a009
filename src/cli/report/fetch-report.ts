import type { SecurityReport } from '../../audit/security-report.js';
import { UsageError } from '../command-line.js';
import { ReportRefusedError, type ReportRequest } from './report-request.js';
import { isReport, withDates } from './report-shape.js';

const ANSWER_WITHIN_MS = 30_000;
/** RFC 6750 §2.1. `fetch` would print any other token in its error message. */
const TOKEN = /^[\w.~+/-]+=*$/;

/** Gets the report from a running service. @throws ReportRefusedError, UsageError */
export async function fetchReport(
  { from, to }: ReportRequest,
  service: string,
  token: string | undefined,
): Promise<SecurityReport> {
  if (token === undefined || token === '')
    throw new ReportRefusedError(
      'ACCESS_TOKEN is not set: log in as an administrator (POST /auth/login) and set it to the accessToken of the response.',
    );
  if (!TOKEN.test(token.trim()))
    throw new ReportRefusedError(
      'ACCESS_TOKEN is not an access token: set it to the accessToken of the response.',
    );
  const url = new URL(service);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/auth/admin/security-report`;
  url.search = '';
  if (from !== undefined) url.searchParams.set('from', from);
  if (to !== undefined) url.searchParams.set('to', to);
  const { answer, text } = await ask(url, token);
  if (answer.status === 400) {
    const { details } = errorOf(text);
    if (details.length > 0) throw new UsageError(`--${details.join(' --')}`);
  }
  if (answer.status !== 200) throw new ReportRefusedError(refusal(url, answer, text));
  const report = parsed(text);
  if (!isReport(report))
    throw new ReportRefusedError(`The response of ${url.origin} is not a security report.`);
  return report;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text, withDates);
  } catch {
    return undefined;
  }
}

async function ask(url: URL, token: string): Promise<{ answer: Response; text: string }> {
  try {
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${token.trim()}`, accept: 'application/json' },
      // Do not send the token to another service.
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return { answer, text: await answer.text() };
  } catch (error) {
    // The reason of a failed `fetch` is in its cause.
    const { cause, message } = error as Error & { readonly cause?: { readonly message?: string } };
    const reason = cause?.message || message;
    throw new ReportRefusedError(`${url.origin} does not answer: ${reason}.`, { cause: error });
  }
}

function refusal({ origin }: URL, { status, headers }: Response, text: string): string {
  if (status >= 300 && status < 400)
    return `${origin} redirects: set --url to its actual address (${headers.get('location') ?? 'unknown'}).`;
  const { code, message } = errorOf(text);
  switch (status) {
    case 401:
      return `${origin} refuses the token in ACCESS_TOKEN (${code}): log in again.`;
    case 403:
      return `${origin} shows its report only to administrators: the user of ACCESS_TOKEN is not one.`;
    case 404:
      return `${origin} has no security report: its audit log is off (AUDIT), or it is another service.`;
    default:
      return `${origin} answered with status ${status}: ${message}`;
  }
}

interface ServiceError {
  readonly code: string;
  readonly message: string;
  readonly details: readonly string[];
}

/** Reads an error response of the library; uses placeholders for any other text. */
function errorOf(text: string): ServiceError {
  try {
    const { code, message, details } = JSON.parse(text) as Record<string, unknown>;
    const fields = (Array.isArray(details) ? details : []) as { message?: unknown }[];
    return {
      code: String(code),
      message: String(message),
      details: fields.map((field) => `${String(field.message)}.`),
    };
  } catch {
    return { code: 'no reason given', message: 'no reason given', details: [] };
  }
}
