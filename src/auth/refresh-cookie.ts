import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { stringifySetCookie } from 'cookie';
import type { ResolvedCookieOptions } from '../core/options/read-cookie.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import {
  extractRefreshToken,
  refreshCookieName,
  type PresentedRefreshToken,
  type RefreshRequest,
} from '../tokens/refresh-token.extractor.js';

/** Never readable from a script (OWASP ASVS 3.3.4). @param maxAge seconds */
export function cookieAttributes({ domain, path, secure, sameSite }: ResolvedCookieOptions, maxAge: number) {
  const attributes = { path, secure, sameSite, maxAge, httpOnly: true, encode: asItIs };
  return domain === null ? attributes : { ...attributes, domain };
}

/** Tokens are base64url and dots, of which a cookie takes every character (RFC 6265 §4.1.1). */
function asItIs(value: string): string {
  return value;
}

/** The refresh cookie, written without any plugin of the host, on Express and Fastify alike. */
@Injectable()
export class RefreshCookie {
  private readonly cookie: ResolvedCookieOptions;
  private readonly name: string;

  constructor(
    @Inject(AUTH_OPTIONS) options: ResolvedAuthOptions,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    this.cookie = options.refreshToken.cookie;
    this.name = refreshCookieName(this.cookie);
  }

  read(request: RefreshRequest): PresentedRefreshToken | null {
    return extractRefreshToken(request, this.name);
  }

  /** @param maxAge seconds */
  set(response: unknown, token: string, maxAge: number): void {
    const cookie = stringifySetCookie(this.name, token, cookieAttributes(this.cookie, maxAge));
    this.adapterHost.httpAdapter.appendHeader(response, 'Set-Cookie', cookie);
  }

  clear(response: unknown): void {
    this.set(response, '', 0);
  }
}
