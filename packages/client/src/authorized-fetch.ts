import type { Environment } from './environment.js';
import { isSuperseded } from './errors.js';
import { refusalOf } from './refusals.js';
import type { AuthClient } from './types.js';
import type { Urls } from './urls.js';

type GetAccessToken = AuthClient['getAccessToken'];

/** Maximum wait for the body of a refusal. */
const CODE_TIMEOUT_MS = 1000;

/** `fetch` with the access token for trusted origins. A request refused because of its token is sent a second time. */
export function authorizedFetch(
  getAccessToken: GetAccessToken,
  { resolve, isTrusted }: Urls,
  send: typeof fetch,
  setTimer: Environment['setTimer'],
): AuthClient['fetch'] {
  /** The code of a refusal of the access token; `undefined` for another refusal. */
  const refusalIn = async (response: Response): Promise<string | undefined> => {
    const { headers } = response;
    const isJson = /json/.test(headers.get('content-type') ?? '');
    // An endless body or an event stream cannot be a refusal by this service.
    let cancel = () => {};
    const patience = new Promise<undefined>(
      (done) => (cancel = setTimer(() => done(undefined), CODE_TIMEOUT_MS)),
    );
    const code = isJson ? await Promise.race([codeOf(response.clone()), patience]) : undefined;
    cancel();
    return refusalOf(code, headers.get('www-authenticate'));
  };
  return async (input: RequestInfo | URL, init?: RequestInit) => {
    const { request, url, headers, signal } = partsOf(input, init);
    if (!isTrusted(url) || headers.has('authorization')) return send(input, init);

    // Send exactly the URL that was checked: a `<base>` element may change in between.
    const target = request ?? resolve(url);
    const attempt = (to: Request | string, token: string | null) => {
      if (token) headers.set('authorization', `Bearer ${token}`);
      return send(to, { ...init, headers });
    };
    const refused = await getAccessToken({ signal });
    // Sending a request consumes its body, so the first attempt sends a copy.
    const response = await attempt(request ? request.clone() : target, refused);
    if (!refused || response.status !== 401 || isStream(init?.body)) return response;
    const code = await refusalIn(response);
    const token = code && (await nextToken(getAccessToken, { refused, code, signal }));
    if (!token) return response;
    void response.body?.cancel().catch(() => undefined);
    return attempt(target, token);
  };
}

function partsOf(input: RequestInfo | URL, init?: RequestInit) {
  const request = typeof input === 'object' && 'url' in input ? input : null;
  return {
    request,
    url: request?.url ?? (input as URL | string).toString(),
    headers: new Headers(init?.headers ?? request?.headers),
    signal: init?.signal ?? request?.signal,
  };
}

/** Another token than the refused one; `null` if the refusal stands. @throws AuthClientError of a network fault */
export async function nextToken(
  getAccessToken: GetAccessToken,
  request: { refused: string; code: string; signal?: AbortSignal | null | undefined },
): Promise<string | null> {
  try {
    const token = await getAccessToken(request);
    return token === request.refused ? null : token;
  } catch (error) {
    if (isSuperseded(error)) return null;
    throw error;
  }
}

/** Whether the body can be read only once, so that it cannot be sent twice. */
export const isStream = (body: unknown): boolean =>
  typeof body === 'object' &&
  body !== null &&
  ('getReader' in body || 'pipe' in body || Symbol.asyncIterator in body);

export async function codeOf(response: Response): Promise<unknown> {
  try {
    return ((await response.json()) as { code?: unknown } | null)?.code;
  } catch {
    // Not JSON: no code.
  }
}
