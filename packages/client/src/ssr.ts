import { isTokenAnswer, type TokenAnswer } from './answers.js';
import { hostEnvironment } from './environment.js';
import { type AuthClientError, invalidOptions } from './errors.js';
import { isFinal } from './refusals.js';
import { openSealed, seal } from './seal.js';
import { createTransport } from './transport.js';
import type { AuthState, NobodySignedIn } from './types.js';

/** Who is signed in on a rendered page. */
export interface PageAuth {
  /** For the first frame, on the server and in the browser: plain JSON without a token. */
  readonly state: AuthState;
  /**
   * For requests that this server sends for the user while it renders; `null` if nobody is signed in. Never part of what is
   * serialized into the page.
   *
   * @throws Error if the service does not allow relays: set its option `refreshToken.allowRelay`
   */
  readonly accessToken: string | null;
}

/** Options of the functions that refresh for a page. */
export interface PageAuthOptions {
  /** URL at which this server reaches the auth routes, such as `http://127.0.0.1:3000/auth`. */
  readonly baseUrl: string;
  /**
   * Seconds to wait for the service. After that the page is rendered with `unknown`. Keep it below half of the
   * service's `refreshToken.gracePeriod`.
   *
   * @default 3
   */
  readonly timeout?: number;
  /**
   * Sends the refresh.
   *
   * @default globalThis.fetch
   */
  readonly fetch?: typeof fetch;
}

/** Lets one part of a server pass the result on to another. */
export interface PageAuthSecret {
  /** At least 32 characters, the same in all processes of this server. Encrypts what is passed on. */
  readonly secret: string;
}

/** The fields that are read from Node's `IncomingMessage`. */
export interface NodePageRequest {
  readonly method?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly socket?: { readonly remoteAddress?: string | undefined };
}

/** The members that are used of Node's `ServerResponse`. */
export interface NodePageResponse {
  readonly headersSent: boolean;
  setHeader(name: string, value: string): unknown;
  appendHeader(name: string, value: string): unknown;
}

interface PageRequest {
  readonly method: string | undefined;
  readonly header: (name: string) => string | null;
  /** For `x-forwarded-for`. */
  readonly addresses: string | null;
}

interface Rendering {
  readonly page: RenderedPage;
  /** `Set-Cookie` of the service, unchanged. */
  readonly cookies: readonly string[];
  readonly isPageView: boolean;
}

/** The session cookies, and the headers from which the service computes the browser's fingerprint. */
const BROWSER_HEADERS = [
  'cookie',
  'accept-language',
  'user-agent',
  'sec-ch-ua',
  'sec-ch-ua-platform',
  'accept-encoding',
];
const HEADER = 'x-silent-auth-page';
const NO_STORE = 'private, no-store';
const MAX_HANDOVER_MS = 60_000;

const NOBODY: NobodySignedIn = { user: null, session: null, tokenExpiresAt: null };
const UNKNOWN: AuthState = { status: 'unknown', ...NOBODY };
const SIGNED_OUT: AuthState = { status: 'signed-out', ...NOBODY };

/** A class, because frameworks refuse to serialize its instances into a page. */
class RenderedPage implements PageAuth {
  readonly #accessToken: string | null;

  constructor(
    readonly state: AuthState,
    accessToken: string | null = null,
  ) {
    this.#accessToken = accessToken;
  }

  get accessToken(): string | null {
    const token = this.#accessToken;
    if (token && !isRelayToken(token))
      throw new Error(
        'The service would take the use of this token as proof that the browser has received its cookie. ' +
          'Set its option refreshToken.allowRelay (REFRESH_ALLOW_RELAY=true).',
      );
    return token;
  }

  /** The token unchecked, for sealing: {@link readPageAuth} builds a new page from it, which checks the token. */
  static contentsOf(page: RenderedPage): Handover {
    return { state: page.state, accessToken: page.#accessToken, at: Date.now() };
  }
}

interface Handover {
  readonly state: AuthState;
  readonly accessToken: string | null;
  readonly at: number;
}

/** At most one refresh for each request. */
const renderings = new WeakMap<object, Promise<Rendering>>();

/**
 * Finds out who opens a page, on a server of Node: Nuxt, Express, Fastify or `node:http`. Refreshes the session at most once
 * for each request, and puts the new cookie and `Cache-Control: no-store` on the response before it resolves. A request that
 * opens no page, such as a prefetch, refreshes nothing.
 *
 * @throws Error if the headers of the response are sent: its cookie could not be sent any more
 *
 * @example
 * const { state } = await authenticatePage(request, response, { baseUrl: 'http://127.0.0.1:3000/auth' });
 */
export async function authenticatePage(
  request: NodePageRequest,
  response: NodePageResponse,
  options: PageAuthOptions,
): Promise<PageAuth> {
  const header = (name: string) => {
    const value = request.headers[name];
    return (Array.isArray(value) ? value.join(', ') : value) ?? null;
  };
  const asked = renderings.get(request);
  if (asked) return (await asked).page;
  if (response.headersSent)
    throw new Error('The headers of this response are sent: a new cookie could not be sent any more.');
  const addresses = [header('x-forwarded-for'), request.socket?.remoteAddress].filter(Boolean).join(', ');
  const rendering = render({ method: request.method, header, addresses }, options).then((found) => {
    if (found.isPageView) response.setHeader('cache-control', NO_STORE);
    for (const cookie of found.cookies) response.appendHeader('set-cookie', cookie);
    return found;
  });
  renderings.set(request, rendering);
  return (await rendering).page;
}

/**
 * Finds out who opens a page, on any server of `Request` and `Response`, and gives the response that `respond` makes the new
 * cookie and `Cache-Control: no-store`. Refreshes the session at most once for each request. A request that opens no page,
 * such as a prefetch, refreshes nothing.
 *
 * @example
 * const handle = (request: Request) =>
 *   respondWithAuth(request, { baseUrl }, ({ state }) => new Response(render(state), { headers }));
 */
export async function respondWithAuth(
  request: Request,
  options: PageAuthOptions,
  respond: (page: PageAuth) => Response | Promise<Response>,
): Promise<Response> {
  const found = await renderingOf(request, options);
  return finish(await respond(found.page), found);
}

/**
 * {@link respondWithAuth} for servers such as Next, where another part renders: `forward` passes the request on
 * with the headers it is given, in which {@link readPageAuth} finds who is signed in. Headers of the same name sent
 * by a client are removed.
 *
 * @example
 * // proxy.ts of Next 16
 * export const proxy = (request: NextRequest) =>
 * forwardPageAuth(request, { baseUrl, secret }, (headers) => NextResponse.next({ request: { headers } }));
 */
export async function forwardPageAuth(
  request: Request,
  options: PageAuthOptions & PageAuthSecret,
  forward: (headers: Headers) => Response | Promise<Response>,
): Promise<Response> {
  const found = await renderingOf(request, options);
  const headers = new Headers(request.headers);
  headers.set(HEADER, await seal(RenderedPage.contentsOf(found.page), options.secret));
  return finish(await forward(headers), found);
}

/**
 * The result of {@link forwardPageAuth}; `unknown` for a request that did not pass through it.
 *
 * @example
 * const { state } = await readPageAuth(await headers(), { secret });
 */
export async function readPageAuth(
  headers: Pick<Headers, 'get'>,
  { secret }: PageAuthSecret,
): Promise<PageAuth> {
  const handover = await openSealed<Handover>(headers.get(HEADER), secret);
  if (!handover || Math.abs(Date.now() - handover.at) > MAX_HANDOVER_MS) return new RenderedPage(UNKNOWN);
  return new RenderedPage(handover.state, handover.accessToken);
}

function renderingOf(request: Request, options: PageAuthOptions): Promise<Rendering> {
  const header = (name: string) => request.headers.get(name);
  const asked =
    renderings.get(request) ??
    render({ method: request.method, header, addresses: header('x-forwarded-for') }, options);
  renderings.set(request, asked);
  return asked;
}

async function render(request: PageRequest, options: PageAuthOptions): Promise<Rendering> {
  const { baseUrl, timeout = 3 } = options;
  if (!/^https?:\/\/\w/i.test(baseUrl))
    throw invalidOptions(`baseUrl is not an absolute http(s) URL, which a server needs: ${baseUrl}`);
  const isPageView = opensPage(request);
  // The service sets this cookie together with the refresh cookie.
  const mayBeSignedIn = /_hint=1/.test(request.header('cookie') ?? '');
  if (!isPageView || !mayBeSignedIn) {
    const state = mayBeSignedIn ? UNKNOWN : SIGNED_OUT;
    return { page: new RenderedPage(state), cookies: [], isPageView };
  }
  let cookies: string[] = [];
  const send: typeof fetch = async (input, init) => {
    const response = await (options.fetch ?? globalThis.fetch)(input, {
      ...init,
      headers: forwarded(request, init?.headers),
      // A redirect would take the cookie elsewhere.
      redirect: 'manual',
    });
    cookies = response.headers.getSetCookie();
    return response;
  };
  const call = createTransport(baseUrl.replace(/\/+$/, ''), send, hostEnvironment(), timeout * 1000);
  try {
    // Sent without an attempt: simultaneous pages share no record, and are answered within the grace period.
    const answer = await call('POST', '/refresh', { body: { relay: true } });
    if (!isTokenAnswer(answer)) return { page: new RenderedPage(UNKNOWN), cookies: [], isPageView };
    return { page: new RenderedPage(stateOf(answer), answer.accessToken), cookies, isPageView };
  } catch (error) {
    if (isFinal(error as AuthClientError)) return { page: new RenderedPage(SIGNED_OUT), cookies, isPageView };
    // No answer is not a logout: the browser asks the service itself.
    return { page: new RenderedPage(UNKNOWN), cookies: [], isPageView };
  }
}

/**
 * Whether a browser opens a page with the request. Not when it prefetches, or when a script asks for data: the page
 * that it belongs to may keep the answer without its cookie. Next hides the requests of its router from `proxy.ts`,
 * so the browser's own headers are read. If there are none (HTTP without TLS), the `Accept` header identifies a
 * navigation.
 */
function opensPage({ method, header }: PageRequest): boolean {
  if (method !== 'GET' || /prefetch/.test(`${header('sec-purpose')} ${header('purpose')}`)) return false;
  const destination = header('sec-fetch-dest');
  return destination ? /^i?frame$|^document$/.test(destination) : /text\/html/.test(header('accept') ?? '');
}

function forwarded({ header, addresses }: PageRequest, own: RequestInit['headers']): Headers {
  const headers = new Headers(own);
  for (const name of BROWSER_HEADERS) {
    const value = header(name);
    if (value) headers.set(name, value);
  }
  if (addresses) headers.set('x-forwarded-for', addresses);
  return headers;
}

function stateOf({ user, session, expiresIn }: TokenAnswer): AuthState {
  return { status: 'signed-in', user, session, tokenExpiresAt: Date.now() + expiresIn * 1000 };
}

function finish(response: Response, { cookies, isPageView }: Rendering): Response {
  if (!isPageView) return response;
  // A copy, because the headers of a redirect cannot be changed, and a server may reuse a response without a body
  // for other users.
  const answer = new Response(response.body, response);
  answer.headers.set('cache-control', NO_STORE);
  for (const cookie of cookies) answer.headers.append('set-cookie', cookie);
  return answer;
}

/** The claim that marks access tokens whose use does not prove that the browser has received its cookie. */
function isRelayToken(accessToken: string): boolean {
  try {
    const [, payload = ''] = accessToken.split('.');
    const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { relay?: unknown };
    return claims.relay === true;
  } catch {
    return false;
  }
}
