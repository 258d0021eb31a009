import { codeOf, isStream, nextToken } from './authorized-fetch.js';
import { refusesAccessToken } from './errors.js';
import type { AuthClient } from './types.js';

/** What of an axios instance is used; axios itself is not imported. */
export interface AxiosLike {
  request(config: never): Promise<unknown>;
  getUri(config: never): string;
  readonly interceptors: {
    readonly request: Interceptors;
    readonly response: Interceptors;
  };
}

interface Interceptors {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- axios has its own types for both, in two flavours
  use(onFulfilled: ((value: any) => any) | null, onRejected?: (error: unknown) => unknown): number;
  eject(id: number): void;
}

interface AxiosRequest {
  headers: { get(name: string): unknown; set(name: string, value: string): unknown };
  signal?: unknown;
  data?: unknown;
  /** What the request was first sent with; a repetition has none. */
  silentAuthToken?: string | null;
}

interface AxiosFailure {
  config?: AxiosRequest;
  response?: { status: number; data: unknown };
}

/**
 * Does for an axios instance what `auth.fetch` does: the token on requests to trusted origins, one repetition of a
 * request refused for its token. Gives the function that detaches.
 */
export function attachToAxios(instance: AxiosLike, auth: AuthClient): () => void {
  const { request, response } = instance.interceptors;

  const onRequest = request.use(async (config: AxiosRequest) => {
    if (!auth.isTrusted(instance.getUri(config as never))) return config;
    // The application's own, or that of a repetition.
    if (config.headers.get('authorization')) return config;
    const token = await auth.getAccessToken({ signal: config.signal as AbortSignal });
    config.silentAuthToken = token;
    if (token) config.headers.set('authorization', `Bearer ${token}`);
    return config;
  });

  const onResponse = response.use(null, async (error) => {
    const { config, response: answer } = error as AxiosFailure;
    const refused = config?.silentAuthToken;
    if (!config || !refused || answer?.status !== 401) throw error;
    if (isStream(config.data) || !refusesAccessToken(await codeIn(answer.data))) throw error;
    const token = await nextToken(auth, refused, config.signal as AbortSignal);
    if (!token) throw error;
    config.silentAuthToken = null;
    config.headers.set('authorization', `Bearer ${token}`);
    return instance.request(config as never);
  });

  return () => {
    request.eject(onRequest);
    response.eject(onResponse);
  };
}

/** With `responseType: 'blob'` and the like even an error is not parsed. */
function codeIn(data: unknown): unknown {
  return (data as { code?: unknown } | null)?.code ?? codeOf(new Response(data as BodyInit));
}
