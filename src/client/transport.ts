import { orAborted } from './abort.js';
import type { Environment } from './environment.js';
import { AuthClientError, type FieldProblem } from './errors.js';

export interface Call {
  readonly body?: object;
  readonly token?: string | null;
  readonly signal?: AbortSignal;
  /** Until the whole answer is there. */
  readonly timeoutMs: number;
}

/** A `Retry-After` of a year is a proxy's mistake, not the server's wish. */
const MAX_RETRY_AFTER_S = 300;

/** The auth routes, asked directly: whatever interceptors the application has, none of them sees these requests. */
export class Transport {
  constructor(
    private readonly baseUrl: () => string,
    private readonly send: typeof fetch,
    private readonly environment: Environment,
  ) {}

  /** The answer's JSON. @throws AuthClientError, or the signal's reason */
  async call(method: string, path: string, { body, token, signal, timeoutMs }: Call): Promise<unknown> {
    const abort = new AbortController();
    const cancel = this.environment.setTimer(
      () => abort.abort(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const exchange = async (): Promise<unknown> => {
      const response = await this.send(this.baseUrl() + path, {
        method,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(token && { authorization: `Bearer ${token}` }),
        },
        body: body && JSON.stringify(body),
        credentials: 'include',
        cache: 'no-store',
        signal: abort.signal,
      });
      const answer = parse(await response.text());
      if (response.ok) return answer;
      throw failure(response, answer);
    };
    try {
      signal?.throwIfAborted();
      return await orAborted(orAborted(exchange(), abort.signal), signal);
    } catch (cause) {
      abort.abort();
      if (cause instanceof AuthClientError) throw cause;
      throw new AuthClientError({ code: 'NETWORK_ERROR', message: 'The server did not answer.', cause });
    } finally {
      cancel();
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failure({ status, headers }: Response, answer: unknown): AuthClientError {
  const { code, message, details } = (answer ?? {}) as Record<string, unknown>;
  const retryAfter = headers.get('retry-after') as string;
  // RFC 9110 §10.2.3: seconds, or a date.
  const seconds = Number(retryAfter) || (Date.parse(retryAfter) - Date.now()) / 1000;
  return new AuthClientError({
    code: typeof code === 'string' ? code : 'UNEXPECTED_ANSWER',
    message: typeof message === 'string' ? message : `The server answered ${status}.`,
    status,
    details: details as FieldProblem[],
    retryAfter: seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_S) : undefined,
  });
}
