import type { CookieOptions } from './auth-options.js';
import type { OptionReader } from './option-reader.js';

export interface ResolvedCookieOptions {
  readonly domain: string | null;
  readonly path: string;
  readonly secure: boolean;
  readonly sameSite: 'strict' | 'lax' | 'none';
}

export function readCookie(read: OptionReader, cookie: CookieOptions): ResolvedCookieOptions {
  const path = cookie.path ?? '/';
  if (!/^\/[^;,\s]*$/.test(path))
    read.refuse('refreshToken.cookie.path', path, "give a path such as '/' or '/auth'");
  const domain = cookie.domain ?? null;
  if (domain !== null && !/^\.?[a-z0-9.-]+$/i.test(domain))
    read.refuse('refreshToken.cookie.domain', domain, "give a host name such as 'example.com'");
  return {
    domain,
    path,
    secure: read.flag('refreshToken.cookie.secure', cookie.secure, true),
    sameSite: read.choice('refreshToken.cookie.sameSite', cookie.sameSite, 'strict', [
      'strict',
      'lax',
      'none',
    ]),
  };
}
