import { randomUUID } from 'node:crypto';
import type { Answer, Call, HttpClient } from './http.js';

export const PASSWORD = 'seven-Otters-cross-the-river';

/** A browser with one session: it keeps the refresh cookie and sends it back. */
export class SessionClient {
  private constructor(
    private readonly http: HttpClient,
    private readonly email: string,
    readonly userId: string,
    readonly sessionId: string,
    private cookieName: string,
    /** The current refresh token. */
    public refreshToken: string,
    public accessToken: string,
  ) {}

  static async register(http: HttpClient, headers: Record<string, string> = {}): Promise<SessionClient> {
    const answer = await http.expect({ ...registerCall(), headers });
    const { user, session, accessToken } = JSON.parse(answer.text);
    const { name, value } = refreshCookie(answer);
    return new SessionClient(http, user.email, user.id, session.id, name, value, accessToken);
  }

  /** One session for each of `count` users. */
  static async registerMany(http: HttpClient, count: number): Promise<SessionClient[]> {
    return Promise.all(Array.from({ length: count }, () => SessionClient.register(http)));
  }

  /** This browser with another session's token. */
  with(sessionId: string, refreshToken: string): SessionClient {
    const { http, email, userId, cookieName, accessToken } = this;
    return new SessionClient(http, email, userId, sessionId, cookieName, refreshToken, accessToken);
  }

  login(): Promise<Answer> {
    return this.http.expect(loginCall(this.email, PASSWORD));
  }

  /** A login to this account with a wrong password. */
  wrongLogin(): Call {
    return loginCall(this.email, 'nine-Herons-over-the-marsh');
  }

  get cookieHeader(): { cookie: string } {
    return { cookie: `${this.cookieName}=${this.refreshToken}` };
  }

  get bearerHeader(): { authorization: string } {
    return { authorization: `Bearer ${this.accessToken}` };
  }

  async refresh(headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.http.expect({
      method: 'POST',
      path: '/auth/refresh',
      headers: { ...this.cookieHeader, ...headers },
    });
    this.refreshToken = refreshCookie(answer).value;
    return answer;
  }

  logout(): Promise<Answer> {
    return this.http.expect({ method: 'POST', path: '/auth/logout', headers: this.bearerHeader });
  }

  /** Reads the access token of the answer, as an application does. */
  async refreshAndTake(headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.refresh(headers);
    this.accessToken = JSON.parse(answer.text).accessToken;
    return answer;
  }

  get(path: string): Promise<Answer> {
    return this.http.expect({ method: 'GET', path, headers: this.bearerHeader });
  }
}

/** A registration of a new user. */
export function registerCall(): Call {
  const body = { email: `${randomUUID()}@example.com`, password: PASSWORD };
  return { method: 'POST', path: '/auth/register', body };
}

export function loginCall(email: string, password: string): Call {
  return { method: 'POST', path: '/auth/login', body: { email, password } };
}

const REFRESH_COOKIE = /^([^=;]*refresh_token)=([^;]+)/;

export function refreshCookie({ headers }: Answer): { name: string; value: string } {
  for (const cookie of [headers['set-cookie'] ?? []].flat()) {
    const [, name, value] = REFRESH_COOKIE.exec(cookie) ?? [];
    if (name !== undefined && value !== undefined) return { name, value };
  }
  throw new Error('the answer sets no refresh cookie');
}
