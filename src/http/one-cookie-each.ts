import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ConfigurationError, show } from '../options/option-reader.js';
import type { ResolvedCookieOptions } from '../options/refresh-token.options.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { refreshCookieName } from './refresh-cookie.js';

const FIX =
  'another AuthModule of the application uses this cookie, and each would log out the users of the other: ' +
  'give each module a different name';

/** Refuses two modules in one application that use the same cookie. */
@Injectable()
export class OneCookieEach implements OnModuleInit {
  private readonly cookie: ResolvedCookieOptions;

  constructor(
    @Inject(AUTH_OPTIONS) { refreshToken }: ResolvedAuthOptions,
    private readonly modules: ModulesContainer,
  ) {
    this.cookie = refreshToken.cookie;
  }

  /** @throws ConfigurationError */
  onModuleInit(): void {
    for (const { providers } of this.modules.values()) {
      const other: unknown = providers.get(OneCookieEach)?.instance;
      if (!(other instanceof OneCookieEach) || other === this || !isSame(other.cookie, this.cookie)) continue;
      throw new ConfigurationError([
        { key: 'refreshToken.cookie.name', value: show(this.cookie.name), fix: FIX },
      ]);
    }
  }
}

function isSame(one: ResolvedCookieOptions, other: ResolvedCookieOptions): boolean {
  const isSameName = refreshCookieName(one) === refreshCookieName(other);
  return isSameName && one.path === other.path && one.domain === other.domain;
}
