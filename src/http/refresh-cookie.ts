import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { stringifySetCookie } from 'cookie';
import { DEFAULT_COOKIE_NAME, type ResolvedCookieOptions } from '../options/refresh-token.options.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { type CookieRequest, cookiesOf, type PresentedRefreshToken } from './http-request.js';

/** Adds `__Host-` if the attributes allow it: a subdomain cannot set a cookie of that name (RFC 6265bis §4.1.3). */
export function cookieName(name: string, { domain, path, secure }: ResolvedCookieOptions): string {
  if (!secure) return name;
  return domain === null && path === '/' ? `__Host-${name}` : `__Secure-${name}`;
}

export function refreshCookieName(options: ResolvedCookieOptions): string {
  return cookieName(options.name, options);
}

/** The cookie that lets scripts know that there may be a session. */
export function hintCookieName({ name }: ResolvedCookieOptions): string {
  return `${name}_hint`;
}

/** `device`, or a name derived from a custom name of the refresh cookie, so that services on one host share neither. */
export function deviceCookieName(options: ResolvedCookieOptions): string {
  const { name } = options;
  return cookieName(name === DEFAULT_COOKIE_NAME ? 'device' : `${name}_device`, options);
}

/** The cookie that a browser gets after it proved that it holds the key of its session. */
export function boundCookieName(options: ResolvedCookieOptions): string {
  return cookieName(`${options.name}_bound`, options);
}

/** The cookie is never readable by scripts (OWASP ASVS 3.3.4). @param maxAge seconds; null: until the browser closes */
export function cookieAttributes(options: ResolvedCookieOptions, maxAge: number | null) {
  const { domain, path, secure, sameSite, partitioned } = options;
  return {
    path,
    secure,
    sameSite,
    partitioned,
    httpOnly: true,
    encode: asItIs,
    ...(maxAge === null ? {} : { maxAge }),
    ...(domain === null ? {} : { domain }),
  };
}

/** No encoding: tokens are base64url and dots, which a cookie may contain (RFC 6265 §4.1.1). */
function asItIs(value: string): string {
  return value;
}

/** Reads and writes the refresh cookie on Express and Fastify, without a cookie plugin. */
@Injectable()
export class RefreshCookie {
  private readonly cookie: ResolvedCookieOptions;
  private readonly name: string;
  private readonly isDeviceBound: boolean;

  constructor(
    @Inject(AUTH_OPTIONS) options: ResolvedAuthOptions,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    this.cookie = options.refreshToken.cookie;
    this.name = refreshCookieName(this.cookie);
    this.isDeviceBound = options.refreshToken.deviceBound !== 'off';
  }

  /** The refresh tokens of a request: the one in the body, or else those of all cookies of the name. */
  readAll(request: CookieRequest & { readonly body?: unknown }): PresentedRefreshToken[] {
    const { body } = request;
    const inBody: unknown =
      typeof body === 'object' && body !== null && Object.hasOwn(body, 'refreshToken')
        ? (body as { refreshToken: unknown }).refreshToken
        : undefined;
    if (typeof inBody === 'string') return [{ token: inBody, transport: 'body' }];
    return cookiesOf(request, this.name).map((token) => ({ token, transport: 'cookie' }));
  }

  /** Sets the refresh cookie and the hint cookie. @param maxAge seconds; null: until the browser closes */
  set(response: unknown, token: string, maxAge: number | null): void {
    this.write(response, token, '1', maxAge);
  }

  clear(response: unknown): void {
    this.write(response, '', '', 0);
    if (this.isDeviceBound) this.setBound(response, '', 0);
  }

  /**
   * Sets the cookie that a refresh of a device-bound session needs. It has the attributes of the refresh cookie, so browsers
   * send both together and it keeps the `__Host-` prefix. @param maxAge seconds
   */
  setBound(response: unknown, value: string, maxAge: number): void {
    this.append(response, boundCookieName(this.cookie), value, cookieAttributes(this.cookie, maxAge));
  }

  private write(response: unknown, token: string, hint: string, maxAge: number | null): void {
    const attributes = cookieAttributes(this.cookie, maxAge);
    this.append(response, this.name, token, attributes);
    this.append(response, hintCookieName(this.cookie), hint, { ...attributes, path: '/', httpOnly: false });
  }

  private append(
    response: unknown,
    name: string,
    value: string,
    attributes: ReturnType<typeof cookieAttributes>,
  ): void {
    const line = stringifySetCookie(name, value, attributes);
    this.adapterHost.httpAdapter.appendHeader(response, 'Set-Cookie', line);
  }
}
