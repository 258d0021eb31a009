import { orAborted } from './abort.js';
import { codeOf, isStream, nextToken } from './authorized-fetch.js';
import { refusalOf } from './refusals.js';
import type { AuthClient } from './types.js';

/** The part of an axios instance that is used; axios 1 or later. This module does not import axios. */
export interface AxiosLike {
  request(config: never): Promise<unknown>;
  getUri(config: never): string;
  readonly interceptors: { readonly request: Interceptors };
}

interface Interceptors {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- axios has a type of its own
  use(onFulfilled: (value: any) => any, onRejected?: null, options?: { synchronous?: boolean }): number;
  eject(id: number): void;
}

interface AxiosRequest {
  readonly headers: { get?(name: string): unknown };
  readonly signal?: AbortSignal;
  readonly cancelToken?: { readonly promise: Promise<unknown> };
  readonly data?: unknown;
  readonly timeout?: number;
  readonly timeoutErrorMessage?: string;
  readonly transitional?: { readonly clarifyTimeoutError?: boolean };
  adapter?: unknown;
}

interface AxiosAnswer {
  readonly status: number;
  data: unknown;
  readonly headers: Record<string, unknown>;
  config: AxiosRequest;
}

interface AxiosFailure {
  config?: AxiosRequest;
  readonly response?: AxiosAnswer;
}

type Adapter = (config: AxiosRequest) => Promise<unknown>;

/** An axios instance without interceptors and defaults: only its adapter changes what it sends. */
interface BareAxios extends AxiosLike {
  readonly defaults: Record<string, unknown>;
}

/** The adapters of this module. A repeated request already has one. */
const known = new WeakSet<object>();

/**
 * Makes an axios instance do what `auth.fetch` does: the access token for trusted origins, and a second attempt for
 * a request refused because of its token. The work is done below all interceptors and transforms, which run once
 * for each request. Returns the function that detaches it for later requests.
 *
 * With axios 0 every request fails.
 *
 * @example
 * const http = axios.create({ baseURL: '/api' });
 * attachToAxios(http, auth);
 */
export function attachToAxios(instance: AxiosLike, auth: AuthClient): () => void {
  const { request } = instance.interceptors;
  const bare = (instance as unknown as { create?(): BareAxios }).create?.();
  if (!bare) throw tooOld();
  for (const key of Object.keys(bare.defaults)) delete bare.defaults[key];

  const id = request.use(
    (config: AxiosRequest) => {
      const { adapter } = config;
      if (known.has(Object(adapter) as object)) return config;
      const authorized: Adapter = (final) => send(final, adapter, bare, auth);
      known.add(authorized);
      config.adapter = authorized;
      return config;
    },
    null,
    { synchronous: true },
  );
  return () => request.eject(id);
}

const tooOld = () => new Error('attachToAxios needs axios 1 or later.');

/** Sends a request with the adapter below, as the interceptors left it. */
async function send(
  config: AxiosRequest,
  adapter: unknown,
  bare: BareAxios,
  auth: AuthClient,
): Promise<unknown> {
  // Before axios 1 headers are a plain object.
  if (!config.headers.get) throw tooOld();
  const wait = waitFor(config);
  const isTrusted = () => auth.isTrusted(bare.getUri(config as never));
  const attempt = async (token: string | null): Promise<unknown> => {
    const isSent = token && isTrusted();
    const headers = { ...config.headers, ...(isSent && { Authorization: `Bearer ${token}` }) };
    const own = { adapter, headers, transformRequest: [], transformResponse: [], ...wait.limit() };
    try {
      const answer = (await bare.request({ ...config, ...own } as never)) as AxiosAnswer;
      return Object.assign(answer, { config });
    } catch (error) {
      const { response } = Object.assign(error as AxiosFailure, (error as AxiosFailure).config && { config });
      if (response) response.config = config;
      throw error;
    }
  };
  try {
    if (config.headers.get?.('authorization') || !isTrusted()) return await attempt(null);
    const refused = await wait.until(auth.getAccessToken());
    let outcome = attempt(refused);
    const response = (await outcome.catch((error: AxiosFailure) => error.response)) as
      AxiosAnswer | undefined;
    if (refused && response?.status === 401 && !isStream(config.data)) {
      const code = await wait.until(refusalIn(response));
      const token = code && (await wait.until(nextToken(auth.getAccessToken, { refused, code })));
      if (token) outcome = attempt(token);
    }
    return await outcome;
  } finally {
    wait.end();
  }
}

/**
 * Lets a request wait for the token. Its cancellation or its timeout ends the wait, and the wait counts towards the
 * timeout.
 */
function waitFor(config: AxiosRequest) {
  const { signal, cancelToken, timeout = 0, timeoutErrorMessage, transitional } = config;
  const end = new AbortController();
  const begin = performance.now();
  const message = timeoutErrorMessage ?? `timeout of ${timeout}ms exceeded`;
  const code = transitional?.clarifyTimeoutError ? 'ETIMEDOUT' : 'ECONNABORTED';
  const late = new Promise<never>((_, reject) => {
    // Axios creates its own error for a cancellation.
    void cancelToken?.promise.then(reject);
    const isLimited = timeout > 0;
    const fail = () =>
      reject(Object.assign(new Error(message), { name: 'AxiosError', code, config, isAxiosError: true }));
    const timer = isLimited && setTimeout(fail, timeout);
    end.signal.addEventListener('abort', () => clearTimeout(timer || undefined));
  });
  late.catch(() => undefined);
  return {
    until: <T>(promise: Promise<T>): Promise<T> => Promise.race([orAborted(promise, signal), late]),
    limit: () => {
      const spent = Math.round(performance.now() - begin);
      return timeout > 0 && { timeout: Math.max(timeout - spent, 1), timeoutErrorMessage: message };
    },
    end: () => end.abort(),
  };
}

/** The code of a refusal of the access token; `undefined` for another refusal. Leaves the body readable. */
async function refusalIn(response: AxiosAnswer): Promise<string | undefined> {
  let { data } = response;
  if (isStream(data)) {
    const stream = data as Partial<ReadableStream>;
    // A Node stream can be read only once. The challenge carries the same code.
    data = undefined;
    if (stream.tee) [data, response.data] = stream.tee();
  }
  const text = data as { code?: unknown } | null | undefined;
  const code = text?.code ?? (await codeOf(new Response(data as BodyInit)));
  return refusalOf(code, response.headers['www-authenticate']);
}
