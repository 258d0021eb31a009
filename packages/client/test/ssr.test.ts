import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Browser, COOKIE, PASSWORD, uniqueEmail, USER_AGENT } from '../../../test/support/http.js';
import { HELD_CLOCK, Service } from '../../../test/support/service.js';
import { claimsOf } from '../../../test/support/tokens.js';
import {
  authenticatePage,
  forwardPageAuth,
  type PageAuth,
  type PageAuthOptions,
  readPageAuth,
  respondWithAuth,
} from '../src/ssr.js';

const DAY_MS = 86_400_000;
const OPENING = { accept: 'text/html', 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' };
const HINT = `${COOKIE}=a.b.c; ${COOKIE}_hint=1`;
const SECRET = 'a secret of thirty-two characters, and more';

/** What a page server does with a request once it knows who opens the page. */
type Render = (page: PageAuth, request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A Node server with pages, like Nuxt or Express. */
class PageServer {
  private constructor(
    private readonly server: Server,
    readonly origin: string,
  ) {}

  static async open(options: PageAuthOptions, render: Render): Promise<PageServer> {
    const server = createServer((request, response) => {
      authenticatePage(request, response, options)
        .then((page) => render(page, request, response))
        .catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PageServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A signed-in browser that opens pages of another server. */
async function signedIn(service: Service, pages: string) {
  const email = uniqueEmail('page');
  const api = new Browser(service.origin);
  expect((await api.register({ email, password: PASSWORD })).status).toBe(201);
  const browser = new Browser(pages);
  for (const [name, value] of api.jar) browser.jar.set(name, value);
  const open = () => browser.send('GET', '/', { headers: OPENING });
  return { email, browser, open, generation: () => claimsOf(browser.jar.get(COOKIE) ?? '').gen };
}

describe('a server-rendered page, against the service', () => {
  let service: Service;
  let pages: PageServer;
  /** What the page does before the response is sent. */
  let render: Render;
  const usual: Render = async ({ state }, _request, response) =>
    void response.end(state.user?.email ?? state.status);

  beforeAll(async () => {
    service = await Service.start({ COOKIE_SAMESITE: 'lax', REFRESH_ALLOW_RELAY: 'true' }, HELD_CLOCK);
    // Many pages at once must not be rendered without their user because the machine is busy.
    pages = await PageServer.open({ baseUrl: `${service.origin}/auth/`, timeout: 20 }, (...parameters) =>
      render(...parameters),
    );
  });
  afterEach(() => void (render = usual));
  afterAll(async () => {
    await pages.close();
    await service.dispose();
  });
  render = usual;

  /** The page calls the service with its token, then the response to the browser is lost. */
  const lost: Render = async ({ accessToken }, request) => {
    expect((await service.api().me(accessToken ?? '')).status).toBe(200);
    request.socket.destroy();
  };

  it("shows the user, and passes the service's new cookie on unchanged", async () => {
    const { email, open, generation } = await signedIn(service, pages.origin);
    for (const expected of [1, 2, 3]) {
      const answer = await open();
      expect(answer.text).toBe(email);
      expect(answer.headers['cache-control']).toBe('private, no-store');
      expect(answer.cookies.map(({ name }) => name)).toEqual([COOKIE, `${COOKIE}_hint`]);
      expect(answer.cookie()?.attributes).toMatchObject({ samesite: 'Lax', httponly: '', path: '/' });
      expect(answer.cookie(`${COOKIE}_hint`)?.attributes).not.toHaveProperty('httponly');
      expect(generation()).toBe(expected);
    }
  });

  it('twenty at once: all show the user, get one successor, and nobody is signed out', async () => {
    const { email, browser, open } = await signedIn(service, pages.origin);
    const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => browser.send('GET', '/', { headers: { ...OPENING, cookie } })),
    );
    expect(answers.map(({ text }) => text)).toEqual(Array(20).fill(email));
    expect(new Set(answers.map((answer) => claimsOf(answer.cookie()!.value).gen))).toEqual(new Set([1]));
    await service.advance(60_000);
    expect((await open()).text).toBe(email);
  });

  it.each([
    ['at once', 0],
    ['after a day', DAY_MS],
  ])('lost on its way, with its token used, and opened again %s: still signed in', async (_, ms) => {
    const { email, open, generation } = await signedIn(service, pages.origin);
    for (let page = 0; page < 3; page += 1) {
      render = lost;
      await expect(open()).rejects.toThrow();
      await service.advance(ms);
      render = usual;
      expect((await open()).text).toBe(email);
    }
    expect(generation()).toBeGreaterThanOrEqual(3);
  });

  it('is opened in turn with a browser that refreshes by attempts', async () => {
    const { email, browser, open } = await signedIn(service, pages.origin);
    const inBrowser = new Browser(service.origin);
    const attempt = () => ({
      attempt: `${Math.random().toString(36).padEnd(21, 'x').slice(-21)}A`.replace('.', 'y'),
    });
    for (let turn = 0; turn < 3; turn += 1) {
      expect((await open()).text).toBe(email);
      inBrowser.jar.clear();
      for (const [name, value] of browser.jar) inBrowser.jar.set(name, value);
      const refreshed = await inBrowser.post('/auth/refresh', attempt());
      expect(refreshed.status).toBe(200);
      expect((await service.api().me(refreshed.json.accessToken)).status).toBe(200);
      for (const [name, value] of inBrowser.jar) browser.jar.set(name, value);
      await service.advance(60_000);
    }
  });

  it("of an ended session: nobody is signed in, and the browser's cookies are cleared", async () => {
    const { browser, open } = await signedIn(service, pages.origin);
    await service.api().logout({ refreshCookie: browser.jar.get(COOKIE) });
    expect((await open()).text).toBe('signed-out');
    expect([...browser.jar.keys()].filter((name) => name.startsWith(COOKIE))).toEqual([]);
  });

  it('if the service is unreachable: unknown, and the cookies are kept', async () => {
    const { email, browser, open, generation } = await signedIn(service, pages.origin);
    await service.stop();
    const answer = await open();
    expect({ text: answer.text, cookies: answer.cookies }).toEqual({ text: 'unknown', cookies: [] });
    expect(browser.jar.size).toBeGreaterThanOrEqual(2);
    await service.restart();
    expect((await open()).text).toBe(email);
    expect(generation()).toBe(1);
  });

  it('gives the page no token if its use would count as proof of receipt, and names the option', async () => {
    const strict = await Service.start({ COOKIE_SAMESITE: 'lax' });
    const server = await PageServer.open({ baseUrl: `${strict.origin}/auth` }, async (page, _, response) => {
      expect(page.state.status).toBe('signed-in');
      response.end(page.accessToken);
    });
    const answer = await (await signedIn(strict, server.origin)).open();
    expect(answer.text).toContain('refreshToken.allowRelay');
    expect(answer.cookie()).toBeDefined();
    await Promise.all([server.close(), strict.dispose()]);
  });
});

describe('authenticatePage and respondWithAuth', () => {
  const token = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
  const grant = (claims: object = { relay: true }) => ({
    accessToken: token(claims),
    expiresIn: 900,
    user: { id: 'u', email: 'zoë@example.com', roles: [] },
    session: { id: 's', generation: 7, expiresAt: '2030-01-01T00:00:00.000Z' },
  });
  const json = (status: number, body: object, cookies: string[] = []) => {
    const headers = new Headers({ 'content-type': 'application/json' });
    for (const cookie of cookies) headers.append('set-cookie', cookie);
    return new Response(JSON.stringify(body), { status, headers });
  };
  const refusal = (status: number, code: string) => ({
    statusCode: status,
    code,
    message: code,
    error: code,
  });
  const COOKIES = [
    `${COOKIE}=d.e.f; Path=/; HttpOnly; Expires=Wed, 01 Jan 2031 00:00:00 GMT`,
    `${COOKIE}_hint=1; Path=/`,
  ];

  /** A service that answers each refresh this way. */
  const answering = (answer: () => Response | Promise<Response>) => {
    const send = jest.fn<typeof fetch>().mockImplementation(async () => answer());
    const options = { baseUrl: 'http://auth.example/auth', fetch: send, secret: SECRET };
    return { send, options };
  };
  const granting = () => answering(() => json(200, grant(), COOKIES));
  const opening = (headers: Record<string, string> = {}, init: RequestInit = {}) =>
    new Request('https://app.example/', { headers: { ...OPENING, cookie: HINT, ...headers }, ...init });
  const stateOf = async (request: Request, options: PageAuthOptions) => {
    const response = await respondWithAuth(request, options, ({ state }) => Response.json(state));
    return { ...(await response.json()), headers: response.headers };
  };

  it.each<[string, Record<string, string>, string?]>([
    ['a link that is prefetched by the browser', { 'sec-purpose': 'prefetch;prerender' }],
    ['a link that is prefetched by an older browser', { purpose: 'prefetch' }],
    [
      'data that a router fetches',
      { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors', accept: 'text/html' },
    ],
    ['an image', { 'sec-fetch-dest': 'image' }],
    ['data, on plain HTTP', { 'sec-fetch-dest': '', accept: '*/*' }],
    ['a form', {}, 'POST'],
    ['the headers of a page', {}, 'HEAD'],
  ])('%s refreshes nothing, and its response is unchanged', async (_, headers, method = 'GET') => {
    const { send, options } = granting();
    const answer = await stateOf(opening(headers, { method }), options);
    expect(answer.status).toBe('unknown');
    expect(answer.headers.has('cache-control')).toBe(false);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(send).not.toHaveBeenCalled();
  });

  it.each([{ 'sec-fetch-dest': 'iframe' }, { 'sec-fetch-dest': '' }])('%j opens one', async (headers) => {
    const { options } = granting();
    expect(await stateOf(opening(headers), options)).toMatchObject({
      status: 'signed-in',
      user: { id: 'u' },
    });
  });

  it('sends no refresh for a visitor without the hint; the page is still not cached', async () => {
    const { send, options } = granting();
    const answer = await stateOf(opening({ cookie: 'theme=dark' }), options);
    expect(answer.status).toBe('signed-out');
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
    expect(send).not.toHaveBeenCalled();
  });

  it('refreshes once for each request, however many parts ask', async () => {
    const { send, options } = granting();
    const request = opening();
    const answers = await Promise.all([stateOf(request, options), stateOf(request, options)]);
    expect(answers.map(({ status }) => status)).toEqual(['signed-in', 'signed-in']);
    expect(send).toHaveBeenCalledTimes(1);
    const headers: Record<string, string> = { ...OPENING, cookie: HINT };
    const node = { request: { method: 'GET', headers }, response: nodeResponse() };
    const first = authenticatePage(node.request, node.response, options);
    const second = authenticatePage(node.request, node.response, options);
    expect(await second).toBe(await first);
    expect(send).toHaveBeenCalledTimes(2);
    expect(node.response.sent).toEqual([
      ['cache-control', 'private, no-store'],
      ...COOKIES.map((cookie) => ['set-cookie', cookie]),
    ]);
  });

  it('does not refresh if the headers of the response are already sent', async () => {
    const { send, options } = granting();
    const response = { ...nodeResponse(), headersSent: true };
    const asked = authenticatePage(
      { method: 'GET', headers: { ...OPENING, cookie: HINT } },
      response,
      options,
    );
    await expect(asked).rejects.toThrow('headers of this response are sent');
    expect(send).not.toHaveBeenCalled();
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ['cannot be reached', () => Promise.reject(new TypeError('refused'))],
    ['is unwell', () => json(503, refusal(503, 'TEMPORARILY_UNAVAILABLE'), COOKIES)],
    ['is behind a portal', () => new Response('<h1>Welcome</h1>', { headers: { 'set-cookie': 'portal=1' } })],
    [
      'redirects',
      () => new Response(null, { status: 307, headers: { location: 'https://elsewhere.example/' } }),
    ],
    ['has met another attempt', () => json(409, refusal(409, 'REFRESH_CONTESTED'))],
    ['wants a proof of the key', () => json(401, refusal(401, 'PROOF_REQUIRED'))],
    ['is limited', () => json(429, refusal(429, 'TOO_MANY_ATTEMPTS'))],
    ['answers with something else', () => json(200, { ok: true }, COOKIES)],
  ])('if the service %s: unknown, and the cookies are kept', async (_, answer) => {
    const { options } = answering(answer);
    const { status, headers } = await stateOf(opening(), options);
    expect(status).toBe('unknown');
    expect(headers.getSetCookie()).toEqual([]);
  });

  it('a service that does not answer in time: unknown', async () => {
    const { options } = answering(() => new Promise<never>(() => undefined));
    expect((await stateOf(opening(), { ...options, timeout: 0.05 })).status).toBe('unknown');
  });

  it.each(['REFRESH_TOKEN_REUSED', 'SESSION_REVOKED', 'REFRESH_TOKEN_EXPIRED'])(
    '%s: signed out, and the headers that clear the cookies are passed on',
    async (code) => {
      const cleared = COOKIES.map((cookie) => cookie.replace(/=[^;]*/, '=; Max-Age=0'));
      const { options } = answering(() => json(401, refusal(401, code), cleared));
      const { status, headers } = await stateOf(opening(), options);
      expect(status).toBe('signed-out');
      expect(headers.getSetCookie()).toEqual(cleared);
    },
  );

  it('the service receives the fingerprint headers, and nothing else of the request', async () => {
    const { send, options } = granting();
    const ofTheBrowser = {
      cookie: HINT,
      'accept-encoding': 'gzip, br',
      'accept-language': 'de',
      'sec-ch-ua': '"Chromium";v="140"',
      'sec-ch-ua-platform': '"Linux"',
      'user-agent': USER_AGENT,
      'x-forwarded-for': '203.0.113.7',
    };
    const noise = {
      authorization: 'Bearer x',
      origin: 'https://evil.example',
      'sec-fetch-site': 'cross-site',
    };
    await stateOf(opening({ ...ofTheBrowser, ...noise }), options);
    const [url, init] = send.mock.calls[0] ?? [];
    expect(url).toBe('http://auth.example/auth/refresh');
    expect(Object.fromEntries(new Headers(init?.headers))).toEqual({
      ...ofTheBrowser,
      'content-type': 'application/json',
    });
    expect({ body: init?.body, redirect: init?.redirect }).toEqual({
      body: '{"relay":true}',
      redirect: 'manual',
    });
  });

  it('a Node server adds the address that it sees to those in the header', async () => {
    const { send, options } = granting();
    const headers = { ...OPENING, cookie: HINT, 'x-forwarded-for': '198.51.100.1' };
    const request = { method: 'GET', headers, socket: { remoteAddress: '203.0.113.7' } };
    await authenticatePage(request, nodeResponse(), options);
    const [, init] = send.mock.calls[0] ?? [];
    expect(new Headers(init?.headers).get('x-forwarded-for')).toBe('198.51.100.1, 203.0.113.7');
  });

  it('a redirect, whose headers are immutable, carries every cookie', async () => {
    const { options } = granting();
    const response = await respondWithAuth(opening(), options, () =>
      Response.redirect('https://app.example/home', 303),
    );
    expect(response.headers.getSetCookie()).toEqual(COOKIES);
    expect([response.status, response.headers.get('location')]).toEqual([303, 'https://app.example/home']);
  });

  it('a response that a server reuses for every request gets no cookie', async () => {
    const { options } = granting();
    const missing = new Response(null, { status: 404, headers: { 'x-page': 'missing' } });
    const first = await respondWithAuth(opening(), options, () => missing);
    expect(first.headers.getSetCookie()).toEqual(COOKIES);
    const stranger = await respondWithAuth(opening({ cookie: '' }), options, () => missing);
    expect([stranger.status, stranger.headers.get('x-page')]).toEqual([404, 'missing']);
    expect(stranger.headers.getSetCookie()).toEqual([]);
    expect(missing.headers.has('cache-control')).toBe(false);
  });

  it('the token is in nothing that is serialized or logged', async () => {
    const { options } = granting();
    await respondWithAuth(opening(), options, (page) => {
      const accessToken = page.accessToken ?? '';
      expect(accessToken).toBe(grant().accessToken);
      expect(
        JSON.stringify(page) + JSON.stringify({ ...page }) + inspect(page, { depth: 5, showHidden: true }),
      ).not.toContain(accessToken);
      return new Response();
    });
  });

  it.each([{}, { relay: 'yes' }])('does not give a token with %j to the page', async (claims) => {
    const { options } = answering(() => json(200, grant(claims)));
    const used = respondWithAuth(opening(), options, ({ accessToken }) => new Response(accessToken));
    await expect(used).rejects.toThrow('allowRelay');
  });

  it.each(['/auth', 'ftp://auth.example', '', undefined])(
    '%s is refused as a URL for a server',
    async (baseUrl) => {
      const { options } = granting();
      const asked = stateOf(opening(), { ...options, baseUrl: baseUrl as string });
      await expect(asked).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    },
  );

  describe('passing the result on within a server', () => {
    const HEADER = 'x-silent-auth-page';
    const handedOver = async (request: Request, options: PageAuthOptions & { secret: string }) => {
      let given = new Headers();
      const response = await forwardPageAuth(request, options, (headers) => {
        given = headers;
        return new Response();
      });
      return { given, response };
    };

    it('with the token, encrypted; the request keeps its own headers', async () => {
      const { options } = granting();
      const { given, response } = await handedOver(opening({ 'accept-language': 'de' }), options);
      const { state, accessToken } = await readPageAuth(given, options);
      expect(state).toMatchObject({ status: 'signed-in', user: grant().user });
      expect(accessToken).toBe(grant().accessToken);
      const sealed = given.get(HEADER) ?? '';
      expect(sealed).toMatch(/^[\w-]+$/);
      expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('signed-in');
      expect(given.get('accept-language')).toBe('de');
      expect(response.headers.getSetCookie()).toEqual(COOKIES);
    });

    it('replaces what a client sends under the same name', async () => {
      const { options } = granting();
      const forged = JSON.stringify({ state: { status: 'signed-in' }, at: Date.now() });
      for (const value of [forged, Buffer.from(forged).toString('base64url'), 'x', '%%%']) {
        const request = opening({ [HEADER]: value, cookie: '' });
        expect((await readPageAuth(request.headers, options)).state.status).toBe('unknown');
        const { given } = await handedOver(request, options);
        expect((await readPageAuth(given, options)).state.status).toBe('signed-out');
      }
    });

    it('is valid for a minute, with the same secret, unchanged', async () => {
      const { options } = granting();
      const { given } = await handedOver(opening(), options);
      const statusOf = async (headers: Headers, secret = SECRET) =>
        (await readPageAuth(headers, { secret })).state.status;
      expect(await statusOf(given)).toBe('signed-in');
      expect(await statusOf(given, `${SECRET}.`)).toBe('unknown');
      const changed = (given.get(HEADER) ?? '').replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'));
      expect(await statusOf(new Headers({ [HEADER]: changed }))).toBe('unknown');
      const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
      expect(await statusOf(given)).toBe('unknown');
      clock.mockRestore();
    });

    it('refuses a secret that can be guessed', async () => {
      const { options } = granting();
      for (const secret of ['', 'short', undefined as unknown as string]) {
        await expect(handedOver(opening(), { ...options, secret })).rejects.toMatchObject({
          code: 'INVALID_OPTIONS',
        });
        await expect(readPageAuth(new Headers(), { secret })).rejects.toMatchObject({
          code: 'INVALID_OPTIONS',
        });
      }
    });
  });
});

function nodeResponse() {
  const sent: string[][] = [];
  return {
    sent,
    headersSent: false,
    setHeader: (...header: string[]) => void sent.push(header),
    appendHeader: (...header: string[]) => void sent.push(header),
  };
}
