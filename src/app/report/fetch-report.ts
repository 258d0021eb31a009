import type { SecurityReport } from '../../index.js';
import { ReportRefusedError, type ReportRequest, UsageError } from './report-request.js';

const ANSWER_WITHIN_MS = 30_000;

/** Asks a running service. @throws ReportRefusedError, UsageError */
export async function fetchReport(
  { from, to }: ReportRequest,
  service: string,
  token: string | undefined,
): Promise<SecurityReport> {
  if (token === undefined || token === '')
    throw new ReportRefusedError(
      'ACCESS_TOKEN is not set: log in as an administrator (POST /auth/login) and set it to the accessToken of the answer.',
    );
  const url = new URL(service);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/auth/admin/security-report`;
  url.search = new URLSearchParams({
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }).toString();
  const answer = await ask(url, token);
  const text = await answer.text();
  if (answer.status === 400) throw new UsageError(`--${errorOf(text).details.join(' --')}`);
  if (answer.status !== 200) throw new ReportRefusedError(refusal(url, answer, text));
  try {
    return JSON.parse(text, dates) as SecurityReport;
  } catch (cause) {
    throw new ReportRefusedError(`What answers at ${url.origin} is no security report.`, { cause });
  }
}

async function ask(url: URL, token: string): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { authorization: `Bearer ${token.trim()}`, accept: 'application/json' },
      // The token is for this service.
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  } catch (error) {
    // `fetch` says what went wrong in the cause.
    const { cause, message } = error as Error & { readonly cause?: { readonly message?: string } };
    const reason = cause?.message || message;
    throw new ReportRefusedError(`${url.origin} does not answer: ${reason}.`, { cause: error });
  }
}

function refusal({ origin }: URL, { status, headers }: Response, text: string): string {
  if (status >= 300 && status < 400)
    return `${origin} sends elsewhere: give --url the address it really has (${headers.get('location') ?? 'unknown'}).`;
  const { code, message } = errorOf(text);
  switch (status) {
    case 401:
      return `${origin} does not take the token in ACCESS_TOKEN (${code}): log in again.`;
    case 403:
      return `${origin} shows its report to administrators only: the user of ACCESS_TOKEN is none.`;
    case 404:
      return `${origin} has no security report: its audit log is off (AUDIT), or it is another service.`;
    default:
      return `${origin} answers with ${status}: ${message}`;
  }
}

interface ServiceError {
  readonly code: string;
  readonly message: string;
  readonly details: readonly string[];
}

/** The one shape of an error, where it is one. */
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

/** Moments, as the report has them where it is made. */
function dates(key: string, value: unknown): unknown {
  return (key === 'at' || key === 'generatedAt') && typeof value === 'string' ? new Date(value) : value;
}
