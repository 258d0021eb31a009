import { type AuthClient, AuthClientError } from 'nestjs-silent-auth-client';
import { later } from '../post.js';

/** What went wrong, in words for the reader of the page. */
export class Problem extends Error {
  constructor(
    message: string,
    /** The status of the answer; undefined where none came. */
    readonly status?: number,
    readonly code?: string,
  ) {
    super(message);
  }

  /** Whether an order may have been carried out although it failed here. */
  get isUncertain(): boolean {
    return this.status === undefined || this.status >= 500;
  }
}

export interface Question<T> {
  readonly url: string;
  readonly init: RequestInit;
  readonly read: (answer: Response) => Promise<T>;
  /** What a refusal means here, where it means something of its own: by its status. */
  readonly refusals?: Readonly<Partial<Record<number, string>>>;
}

/** @throws Problem, whatever happens */
export async function ask<T>(
  auth: Pick<AuthClient, 'fetch'>,
  { url, init, read, refusals = {} }: Question<T>,
): Promise<T> {
  try {
    const answer = await auth.fetch(url, init);
    if (answer.ok) return await read(answer);
    throw await problemOf(answer, refusals);
  } catch (reason) {
    throw asProblem(reason);
  }
}

/** What the client threw, in words. */
export function asProblem(reason: unknown): Problem {
  if (reason instanceof Problem) return reason;
  if (reason instanceof AuthClientError && reason.status !== undefined)
    return new Problem(reason.message, reason.status, reason.code);
  return new Problem('The service cannot be reached. Is this device offline?');
}

export const wordsOf = (reason: unknown): string =>
  reason instanceof Problem ? reason.message : 'Something went wrong. Try again.';

interface Refusal {
  readonly code?: string;
  readonly message?: string;
  readonly details?: readonly { readonly field: string; readonly message: string }[];
}

const NO_ADMINISTRATOR = 'You are not an administrator of this service any more.';
/** The message of a `FORBIDDEN` that says nothing else. */
const FORBIDDEN = 'You are not allowed to do this.';

const WORDS: Readonly<Record<string, string>> = {
  ACCOUNT_DISABLED: 'The user is disabled. Enable the user first.',
  CROSS_SITE_REQUEST:
    'The service refused a request from another site. Open this page at the service’s own address.',
};

async function problemOf(
  answer: Response,
  refusals: NonNullable<Question<unknown>['refusals']>,
): Promise<Problem> {
  const { status } = answer;
  const refusal = (await answer.json().catch(() => ({}))) as Refusal;
  const words = refusals[status] ?? WORDS[refusal.code ?? ''] ?? explain(answer, refusal);
  return new Problem(words, status, refusal.code);
}

function explain({ status, headers }: Response, { message, details }: Refusal): string {
  switch (status) {
    case 401:
      return 'Your session has ended. Sign in again.';
    case 403:
      return message === undefined || message === FORBIDDEN ? NO_ADMINISTRATOR : message;
    case 429:
      return `Too many requests. Try again ${later(headers.get('retry-after'))}.`;
    case 503:
      return `The database does not answer. Try again ${later(headers.get('retry-after'))}.`;
    default:
  }
  const problems = details?.map((problem) => `${capitalised(problem.message)}.`) ?? [];
  return problems.length > 0 ? problems.join(' ') : (message ?? `The service answered ${status}.`);
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
