import { type AuthClient, AuthClientError } from 'nestjs-silent-auth-client';
import { later } from '../post.js';

/** What went wrong, in words for whoever reads the page. */
export class Problem extends Error {
  constructor(
    message: string,
    /** Of the answer; undefined where none came. */
    readonly status?: number,
  ) {
    super(message);
  }

  /** Of an order: whether it may have been carried out all the same. */
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
    throw new Problem(refusals[answer.status] ?? (await explain(answer)), answer.status);
  } catch (reason) {
    if (reason instanceof Problem) throw reason;
    if (reason instanceof AuthClientError && reason.status !== undefined)
      throw new Problem(reason.message, reason.status);
    throw new Problem('The service cannot be reached. Is this device offline?');
  }
}

export const wordsOf = (reason: unknown): string =>
  reason instanceof Problem ? reason.message : 'Something went wrong. Try again.';

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
