import { randomBytes } from 'node:crypto';
import { type IncomingHttpHeaders, request, STATUS_CODES } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from '@jest/globals';

const ANSWER_WITHIN_MS = 20_000;
/** The feed polls every second and refuses within 1.5 s; half a second more for a busy machine. */
export const REVOCATION_BOUND_MS = 2_000;
export const COOKIE = 'refresh_token';
export const PASSWORD = 'seven-Otters-cross-the-river';
export const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36';

export interface SetCookie {
  name: string;
  value: string;
  /** Names are in lower case; an attribute without a value is `''`. */
  attributes: Record<string, string>;
}

export class Answer {
  constructor(
    readonly status: number,
    readonly headers: IncomingHttpHeaders,
    readonly text: string,
  ) {}

  get json() {
    return JSON.parse(this.text);
  }

  get cookies(): SetCookie[] {
    return (this.headers['set-cookie'] ?? []).map(parseSetCookie);
  }

  cookie(name = COOKIE): SetCookie | undefined {
    return this.cookies.find((cookie) => cookie.name === name);
  }
}

export interface Call {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent unchanged, as `application/json` unless `headers` say otherwise. */
  raw?: string | Buffer;
  /** An access token, sent as a bearer token. */
  token?: string;
  /** The refresh token, sent as the cookie. */
  refreshCookie?: string;
  headers?: Record<string, string>;
  /** Aborts the request. */
  signal?: AbortSignal;
}

/** A client without a cookie jar: it sends exactly what the test passes. */
export class Api {
  constructor(
    readonly origin: string,
    private readonly defaults: Record<string, string> = {},
  ) {}

  async send(method: string, path: string, call: Call = {}): Promise<Answer> {
    const payload = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const headers: Record<string, string> = {
      'user-agent': USER_AGENT,
      'accept-language': 'en-GB,en;q=0.8',
      ...this.defaults,
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
      ...(call.refreshCookie === undefined ? {} : { cookie: `${COOKIE}=${call.refreshCookie}` }),
      ...call.headers,
    };
    return new Promise((resolve, reject) => {
      const { signal } = call;
      const to = { method, path, headers, agent: false, signal } as const;
      const outgoing = request(new URL(this.origin), to, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve(new Answer(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks).toString())),
        );
      });
      outgoing.setTimeout(ANSWER_WITHIN_MS, () =>
        outgoing.destroy(new Error(`no answer: ${method} ${path}`)),
      );
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }

  post(path: string, body?: unknown, call: Call = {}): Promise<Answer> {
    return this.send('POST', path, { ...call, body });
  }

  register(fields: object, call: Call = {}): Promise<Answer> {
    return this.post('/auth/register', fields, call);
  }

  login(fields: object, call: Call = {}): Promise<Answer> {
    return this.post('/auth/login', fields, call);
  }

  /** With the token in the body; `fields` are those of its attempt. */
  refresh(refreshToken: string, call: Call = {}, fields: object = {}): Promise<Answer> {
    return this.post('/auth/refresh', { refreshToken, ...fields }, call);
  }

  /** With the token in the cookie. */
  refreshByCookie(refreshCookie: string, call: Call = {}, fields?: object): Promise<Answer> {
    const body = fields === undefined ? {} : { body: fields };
    return this.send('POST', '/auth/refresh', { ...call, ...body, refreshCookie });
  }

  logout(call: Call = {}): Promise<Answer> {
    return this.send('POST', '/auth/logout', call);
  }

  me(token: string, call: Call = {}): Promise<Answer> {
    return this.send('GET', '/auth/me', { ...call, token });
  }

  sessions(token: string): Promise<Answer> {
    return this.send('GET', '/auth/sessions', { token });
  }
}

/** A client that keeps cookies, like a browser. */
export class Browser extends Api {
  readonly jar = new Map<string, string>();

  override async send(method: string, path: string, call: Call = {}): Promise<Answer> {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await super.send(method, path, {
      ...call,
      headers: { ...(cookie === '' ? {} : { cookie }), ...call.headers },
    });
    for (const set of answer.cookies) {
      if (isCleared(set)) this.jar.delete(set.name);
      else this.jar.set(set.name, set.value);
    }
    return answer;
  }
}

export interface Session {
  id: string;
  userId: string;
  email: string;
  accessToken: string;
  refreshToken: string;
}

export const uniqueEmail = (name = 'user'): string => `${name}.${randomBytes(6).toString('hex')}@example.com`;

/** What a client learns from an answer with tokens, in either transport. */
export function sessionOf(answer: Answer): Session {
  if (answer.status !== 200 && answer.status !== 201) {
    throw new Error(`not an answer with tokens: ${answer.status} ${answer.text}`);
  }
  const { accessToken, refreshToken, user, session } = answer.json;
  return {
    id: session.id,
    userId: user.id,
    email: user.email,
    accessToken,
    refreshToken: refreshToken ?? answer.cookie()?.value ?? answer.cookie(`__Host-${COOKIE}`)?.value,
  };
}

/** A new user with one session; the refresh token is in the body unless `transport` says otherwise. */
export async function newSession(api: Api, fields: object = {}): Promise<Session> {
  return sessionOf(
    await api.register({ email: uniqueEmail(), password: PASSWORD, transport: 'body', ...fields }),
  );
}

/** Another session of the same user. */
export async function anotherSession(api: Api, email: string, fields: object = {}): Promise<Session> {
  return sessionOf(await api.login({ email, password: PASSWORD, transport: 'body', ...fields }));
}

/** Refreshes once with the token in the body; throws unless that returns new tokens. */
export async function refreshed(api: Api, session: Session): Promise<Session> {
  return sessionOf(await api.refresh(session.refreshToken));
}

/** Expects an error of exactly the documented shape, never cached, with no internals in it. */
export function expectError(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, body: answer.text }).toEqual({
    status,
    body: expect.stringMatching(/^\{/),
  });
  const { details, ...body } = answer.json;
  expect(body).toEqual({
    statusCode: status,
    code,
    message: expect.stringMatching(/\S/),
    error: STATUS_CODES[status],
  });
  if (code === 'VALIDATION_FAILED') {
    expect(details).toEqual(
      expect.arrayContaining([{ field: expect.any(String), message: expect.stringMatching(/\S/) }]),
    );
  } else if (code !== 'WEAK_PASSWORD') {
    expect(details).toBeUndefined();
  }
  expect(answer.headers['content-type']).toMatch(/^application\/json\b/);
  expectNotStored(answer);
  expectNothingLeaks(answer);
}

/** Expects a refusal by the access token guard; if a token was sent, the challenge names the error (RFC 6750). */
export function expectGuardRefusal(answer: Answer, code: string): void {
  expectError(answer, 401, code);
  const challenge = answer.headers['www-authenticate'];
  expect(challenge).toMatch(/^Bearer\b/);
  if (code === 'ACCESS_TOKEN_MISSING') expect(challenge).not.toContain('error=');
  else expect(challenge).toContain('error="invalid_token"');
}

/** Expects `VALIDATION_FAILED` that names the invalid field. */
export function expectInvalidField(answer: Answer, field: string): void {
  expectError(answer, 400, 'VALIDATION_FAILED');
  const fields = answer.json.details.map((detail: { field: string }) => detail.field);
  expect(fields).toContain(field);
}

export function expectNoContent(answer: Answer): void {
  expect({ status: answer.status, body: answer.text }).toEqual({ status: 204, body: '' });
  expectNotStored(answer);
}

export function expectNotStored(answer: Answer): void {
  expect(answer.headers['cache-control']).toContain('no-store');
}

/** Expects no stack trace, path or class name in the answer. */
export function expectNothingLeaks(answer: Answer): void {
  expect(answer.text).not.toMatch(/\n\s+at |\bat \S+ \(|node_modules|\.[cm]?[jt]s:\d+|Mongo|Cast to|E11000/);
}

function isCleared(cookie: SetCookie): boolean {
  const { 'max-age': maxAge, expires } = cookie.attributes;
  if (maxAge !== undefined) return Number(maxAge) <= 0;
  return expires !== undefined && Date.parse(expires) < Date.now();
}

export function expectCookieCleared(answer: Answer, name = COOKIE): void {
  const cookie = answer.cookie(name);
  expect(cookie).toMatchObject({ value: '', attributes: { path: '/' } });
  expect(cookie !== undefined && isCleared(cookie)).toBe(true);
}

export function expectCookieLeftAlone(answer: Answer): void {
  expect(answer.cookies.filter((cookie) => cookie.name.endsWith(COOKIE))).toEqual([]);
}

/** Expects that the access token is refused as revoked in every request that is sent after the bound. */
export async function expectAccessRevoked(api: Api, token: string): Promise<void> {
  const from = performance.now();
  for (;;) {
    const sentAfterMs = performance.now() - from;
    const answer = await api.me(token);
    // A slow answer to an early request says nothing about the bound.
    if (answer.status === 200 && sentAfterMs < REVOCATION_BOUND_MS) {
      await delay(50);
      continue;
    }
    expectGuardRefusal(answer, 'ACCESS_TOKEN_REVOKED');
    return;
  }
}

function parseSetCookie(line: string): SetCookie {
  const [pair = '', ...rest] = line.split(';').map((part) => part.trim());
  const split = (part: string): [string, string] => {
    const at = part.indexOf('=');
    return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
  };
  const [name, value] = split(pair);
  const attributes = Object.fromEntries(
    rest.map(split).map(([attribute, text]) => [attribute.toLowerCase(), text]),
  );
  return { name, value, attributes };
}
