import { orAborted, throwIfAborted } from './abort.js';
import type { Environment } from './environment.js';
import { AuthClientError, type FieldProblem, invalidOptions } from './errors.js';
import { orUndefined } from './or-undefined.js';

/**
 * Calls a route. Resolves with the answer's JSON, or `null` if it has none. @throws AuthClientError, or the
 * signal's reason
 */
export type Call = (method: string, path: string, request?: CallOptions) => Promise<unknown>;

interface CallOptions {
  readonly body?: object | undefined;
  readonly token?: string | null | undefined;
  readonly signal?: AbortSignal;
  /** Ms until the whole answer must be read. @default that of the transport */
  readonly timeoutMs?: number;
  /**
   * The statuses that mean success. A captive portal and a service worker answer 200 to every request. @default 200
   * and 201
   */
  readonly status?: readonly number[];
}

/** Seconds. A longer `Retry-After` is taken for a mistake of a proxy. */
const MAX_RETRY_AFTER_S = 300;

/** Calls the auth routes directly, without the application's interceptors. */
export function createTransport(
  base: string,
  send: typeof fetch,
  { setTimer }: Environment,
  defaultTimeoutMs: number,
): Call {
  return async (
    method,
    path,
    { body, token, signal, timeoutMs = defaultTimeoutMs, status = [200, 201] } = {},
  ) => {
    if (!base) throw invalidOptions('baseUrl is relative, and there is no page: make it absolute.');
    const abort = new AbortController();
    const cancel = setTimer(() => abort.abort(new Error(`no answer in ${timeoutMs}ms`)), timeoutMs);
    const exchange = async (): Promise<unknown> => {
      const response = await send(base + path, {
        method,
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(token && { authorization: `Bearer ${token}` }),
        },
        body: body && JSON.stringify(body),
        credentials: 'include',
        cache: 'no-store',
        // The application may leave the page before the answer arrives.
        keepalive: path === '/logout',
        signal: abort.signal,
      });
      const text = await response.text();
      const answer = orUndefined((): unknown => JSON.parse(text));
      if (status.includes(response.status)) {
        if (response.status > 201) return null;
        if (typeof answer === 'object') return answer;
      }
      throw failure(response, answer);
    };
    try {
      throwIfAborted(signal);
      return await orAborted(orAborted(exchange(), abort.signal), signal);
    } catch (cause) {
      abort.abort();
      if (cause instanceof AuthClientError) throw cause;
      throw new AuthClientError({ code: 'NETWORK_ERROR', message: 'The server did not answer.', cause });
    } finally {
      cancel();
    }
  };
}

function failure({ ok, status, headers }: Response, answer: unknown): AuthClientError {
  const { code, message, details } = (ok ? {} : (answer ?? {})) as Record<string, unknown>;
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
