/** Longer than the slowest answer takes: a password waits its turn to be hashed. */
const TIMEOUT_MS = 30_000;

const NAMES: Readonly<Record<string, string>> = {
  email: 'The e-mail',
  newPassword: 'The password',
  password: 'The password',
  token: 'The link',
};

/** Why something was not done: the message is for the reader of the page. */
export class Refusal extends Error {
  constructor(
    message: string,
    /** The service's; null where it is not known to have said anything. */
    readonly code: string | null,
    readonly field: string | null = null,
  ) {
    super(message);
  }

  /** Whether it may have been done: no answer came, or none of a service that knows. */
  get isUncertain(): boolean {
    return this.code === null || this.code === 'INTERNAL' || this.code === 'TEMPORARILY_UNAVAILABLE';
  }
}

/**
 * Asks the service for something.
 * @param path under the page's own folder, so that a service under the path of a proxy is found there
 * @throws Refusal
 */
export async function post(path: string, body: object): Promise<void> {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    cache: 'no-store',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => null);
  if (answer === null)
    throw new Refusal('The service cannot be reached. Is this device offline? Try again.', null);
  if (!answer.ok) throw await refusalOf(answer);
}

interface Problem {
  readonly code?: string;
  readonly message?: string;
  readonly details?: readonly { readonly field: string; readonly message: string }[];
}

async function refusalOf(answer: Response): Promise<Refusal> {
  const again = `Try again ${later(answer.headers.get('retry-after'))}.`;
  const { code = null, message, details } = (await answer.json().catch(() => ({}))) as Problem;
  switch (code) {
    case null:
      return new Refusal(
        `Something between this page and the service answered ${answer.status}. ${again}`,
        code,
      );
    case 'TOO_MANY_ATTEMPTS':
      return new Refusal(`Too many attempts. ${again}`, code);
    case 'TEMPORARILY_UNAVAILABLE':
      return new Refusal(`The service cannot do this just now. ${again}`, code);
    case 'NOT_FOUND':
      return new Refusal('This service sends no mail, so it takes no links either.', code);
    case 'VALIDATION_FAILED': {
      const problems = details?.map(({ field, message }) => fieldProblem(field, message)) ?? [];
      return new Refusal(problems.join(' '), code, details?.[0]?.field);
    }
    default:
      return new Refusal(message ?? `The service answered ${answer.status}.`, code);
  }
}

/** What is wrong with a field; the message may begin with its name in the API. */
export function fieldProblem(field: string, message: string): string {
  const words = message.startsWith(`${field} `) ? message.slice(field.length + 1) : message;
  return `${NAMES[field] ?? field} ${words.replace(/\ban email\b/, 'an e-mail address')}.`;
}

/** When to try again, from a `Retry-After`. */
export function later(retryAfter: string | null): string {
  const seconds = Number(retryAfter);
  if (!(seconds > 0)) return 'in a moment';
  return seconds < 90 ? `in ${seconds} seconds` : `in ${Math.ceil(seconds / 60)} minutes`;
}
