import type { AuthOptions } from './auth-options.js';
import { resolveOptions } from './resolve-options.js';

/** Maximum lifetime of a token after it was signed, in milliseconds. */
interface TokenLifetimes {
  readonly access: number;
  readonly refresh: number;
}

/**
 * How long a key must still verify after it has stopped signing, so that a key rotation logs nobody out.
 * @throws ConfigurationError with all problems of the options
 */
export function tokenLifetimes(options: AuthOptions): TokenLifetimes {
  const { accessToken, refreshToken } = resolveOptions(options);
  return {
    access: accessToken.ttlMs,
    refresh: Math.min(refreshToken.idleTtlMs, refreshToken.absoluteTtlMs),
  };
}
