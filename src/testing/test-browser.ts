import type { INestApplication } from '@nestjs/common';
import { parseSetCookie } from 'cookie';
import { REFRESH_ROUTE } from '../doctor/doctor.service.js';

/** The response to a request of a {@link TestBrowser}. */
export interface BrowserAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed if it is JSON, otherwise the text. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as supertest types it
  readonly body: any;
}

export interface BrowserOptions {
  /** Path of the library's routes. @default as the application mounts them, without a global prefix */
  readonly path?: string;
  /** @default the user agent of Chrome */
  readonly userAgent?: string;
}

/** The error that `fetch` throws if the response never arrives. */
export class LostResponseError extends TypeError {
  override readonly name = 'LostResponseError';
}

interface Profile {
  readonly origin: string;
  readonly path: string;
  readonly userAgent: string;
  readonly cookies: Map<string, string>;
}

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

/**
 * A tab of a browser, for tests about sessions. It keeps cookies and an access token, and it can lose a response. Made by
 * {@link openBrowser}.
 */
export class TestBrowser {
  /** Sent with every request; null while nobody is logged in. */
  accessToken: string | null = null;
  private losesNext = false;

  /** @internal */
  constructor(private readonly profile: Profile) {}

  get(path: string): Promise<BrowserAnswer> {
    return this.request('GET', path);
  }

  post(path: string, body?: object): Promise<BrowserAnswer> {
    return this.request('POST', path, body);
  }

  /** @throws LostResponseError after {@link loseNextResponse} */
  async request(method: string, path: string, body?: object): Promise<BrowserAnswer> {
    const { origin, userAgent, cookies } = this.profile;
    const isLost = this.losesNext;
    this.losesNext = false;
    const response = await fetch(origin + path, {
      method,
      headers: {
        'user-agent': userAgent,
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(this.accessToken === null ? {} : { authorization: `Bearer ${this.accessToken}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
    });
    const text = await response.text();
    if (isLost) throw new LostResponseError(`the response to ${method} ${path} was lost`);
    for (const line of response.headers.getSetCookie()) this.keep(line);
    return { status: response.status, headers: response.headers, body: parsed(text) };
  }

  register(fields: object): Promise<BrowserAnswer> {
    return this.takeToken(this.post(`${this.profile.path}/register`, fields));
  }

  login(fields: object): Promise<BrowserAnswer> {
    return this.takeToken(this.post(`${this.profile.path}/login`, fields));
  }

  /** Refreshes with the cookie, like a page whose access token has expired. */
  refresh(): Promise<BrowserAnswer> {
    return this.takeToken(this.post(`${this.profile.path}/refresh`));
  }

  async logout(): Promise<BrowserAnswer> {
    const answer = await this.post(`${this.profile.path}/logout`);
    this.accessToken = null;
    return answer;
  }

  /** The server receives and answers the next request, but the response never arrives. */
  loseNextResponse(): void {
    this.losesNext = true;
  }

  /** Another tab of the same browser. It shares the cookies, and starts with a copy of the access token. */
  secondTab(): TestBrowser {
    const tab = new TestBrowser(this.profile);
    tab.accessToken = this.accessToken;
    return tab;
  }

  /** A thief's browser, with copies of the current cookies and access token. */
  steal({ userAgent = this.profile.userAgent }: { readonly userAgent?: string } = {}): TestBrowser {
    const thief = new TestBrowser({ ...this.profile, userAgent, cookies: new Map(this.profile.cookies) });
    thief.accessToken = this.accessToken;
    return thief;
  }

  private async takeToken(answering: Promise<BrowserAnswer>): Promise<BrowserAnswer> {
    const answer = await answering;
    const { accessToken } = Object(answer.body) as { accessToken?: unknown };
    if (typeof accessToken === 'string') this.accessToken = accessToken;
    return answer;
  }

  /** Stores a cookie. Ignores `Secure`, because tests run over plain HTTP. */
  private keep(line: string): void {
    const { name, value = '', maxAge, expires } = parseSetCookie(line);
    const isOver =
      maxAge === undefined ? expires !== undefined && expires.getTime() <= Date.now() : maxAge <= 0;
    if (isOver) this.profile.cookies.delete(name);
    else this.profile.cookies.set(name, value);
  }
}

/**
 * Opens a browser on an application. If the application does not listen yet, it listens on a free port of 127.0.0.1.
 *
 * @example
 * const browser = await openBrowser(app);
 * await browser.register({ email: 'ada@example.com', password: 'correct horse battery staple' });
 * const thief = browser.steal();
 */
export async function openBrowser(app: INestApplication, options: BrowserOptions = {}): Promise<TestBrowser> {
  const { listening } = app.getHttpServer() as { listening?: boolean };
  if (!listening) await app.listen(0, '127.0.0.1');
  const { userAgent = CHROME } = options;
  const path =
    options.path ?? app.get<string | null>(REFRESH_ROUTE, { strict: false })?.replace(/\/refresh$/, '');
  const origin = (await app.getUrl()).replace('[::1]', 'localhost');
  return new TestBrowser({ origin, path: path ?? '/auth', userAgent, cookies: new Map() });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
