import { parseCookie } from 'cookie';
import type { ResolvedCookieOptions } from '../core/options/read-cookie.js';
import type { Transport } from '../core/refresh-token.js';

/** What both Express and Fastify give of a request. */
export interface RefreshRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: unknown;
}

export interface PresentedRefreshToken {
  readonly token: string;
  readonly transport: Transport;
}

/** `__Host-` where the attributes allow the prefix, which keeps subdomains from tossing a cookie in (RFC 6265bis §4.1.3). */
export function cookieName(name: string, { domain, path, secure }: ResolvedCookieOptions): string {
  if (!secure) return name;
  return domain === null && path === '/' ? `__Host-${name}` : `__Secure-${name}`;
}

export function refreshCookieName(options: ResolvedCookieOptions): string {
  return cookieName('refresh_token', options);
}

export function readCookie({ headers }: RefreshRequest, name: string): string | null {
  const header = headers['cookie'];
  return parseCookie(Array.isArray(header) ? header.join('; ') : (header ?? ''))[name] || null;
}

/** The refresh token of a request: in the body, else in the cookie; a token in the body wins and the cookie is not read. */
export function extractRefreshToken(request: RefreshRequest, name: string): PresentedRefreshToken | null {
  const { body } = request;
  const inBody: unknown =
    typeof body === 'object' && body !== null && Object.hasOwn(body, 'refreshToken')
      ? (body as { refreshToken: unknown }).refreshToken
      : undefined;
  if (typeof inBody === 'string') return { token: inBody, transport: 'body' };
  const inCookie = readCookie(request, name);
  return inCookie ? { token: inCookie, transport: 'cookie' } : null;
}
