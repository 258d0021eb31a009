import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { stringifySetCookie } from 'cookie';
import {
  AUTH_OPTIONS,
  type ResolvedAuthOptions,
  type ResolvedCookieOptions,
} from '../core/options/resolve-options.js';
import {
  extractRefreshToken,
  refreshCookieName,
  type PresentedRefreshToken,
  type RefreshRequest,
} from '../tokens/refresh-token.extractor.js';

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
    const { domain, path, secure, sameSite } = this.cookie;
    const attributes = {
      path,
      secure,
      sameSite,
      maxAge,
      httpOnly: true,
      ...(domain === null ? {} : { domain }),
    };
    this.adapterHost.httpAdapter.appendHeader(
      response,
      'Set-Cookie',
      stringifySetCookie(this.name, token, attributes),
    );
  }

  clear(response: unknown): void {
    this.set(response, '', 0);
  }
}
