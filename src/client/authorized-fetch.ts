import { AuthClientError, refusesAccessToken } from './errors.js';
import type { AuthClient } from './types.js';

/** `fetch` that carries the access token to trusted origins and sends a request again that was refused for its token. */
export function authorizedFetch(
  auth: Pick<AuthClient, 'getAccessToken' | 'isTrusted'>,
  send: typeof fetch,
): AuthClient['fetch'] {
  return async (input, init) => {
    const request = typeof input === 'object' && 'url' in input ? input : null;
    const url = request?.url ?? (input as URL).href ?? input;
    const headers = new Headers(init?.headers ?? request?.headers);
    if (!auth.isTrusted(url) || headers.has('authorization')) return send(input, init);

    const signal = init?.signal ?? request?.signal;
    const attempt = (target: RequestInfo | URL, token: string | null) => {
      if (token) headers.set('authorization', `Bearer ${token}`);
      return send(target, { ...init, headers });
    };
    const refused = await auth.getAccessToken({ signal });
    // Sending a request consumes its body: the copy goes first.
    const response = await attempt(request ? request.clone() : input, refused);
    if (!refused || response.status !== 401 || isStream(init?.body)) return response;
    if (!refusesAccessToken(await codeOf(response.clone()))) return response;

    const token = await nextToken(auth, refused, signal);
    if (!token) return response;
    void response.body?.cancel().catch(() => undefined);
    return attempt(input, token);
  };
}

/** Another token than the refused one; `null` where the refusal is the last word. @throws AuthClientError of a network fault */
export function nextToken(
  auth: Pick<AuthClient, 'getAccessToken'>,
  refused: string,
  signal?: AbortSignal | null,
): Promise<string | null> {
  return auth.getAccessToken({ signal, refused }).catch((error: unknown) => {
    if (error instanceof AuthClientError && error.code === 'SUPERSEDED') return null;
    throw error;
  });
}

/** What can be read only once cannot be sent twice. */
export const isStream = (body: unknown): boolean =>
  typeof body === 'object' &&
  body !== null &&
  ('getReader' in body || 'pipe' in body || Symbol.asyncIterator in body);

export async function codeOf(response: Response): Promise<unknown> {
  try {
    return ((await response.json()) as { code?: unknown } | null)?.code;
  } catch {
    return undefined;
  }
}
