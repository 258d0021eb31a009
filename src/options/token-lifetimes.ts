import type { AuthOptions } from './auth-options.js';
import { resolveOptions } from './resolve-options.js';

/** How long a token may live after it was signed, in milliseconds. */
interface TokenLifetimes {
  readonly access: number;
  readonly refresh: number;
}

/**
 * How long after a key has stopped signing it must go on verifying, so that nobody is logged out by a rotation of keys.
 * @throws ConfigurationError with every problem of the options
 */
export function tokenLifetimes(options: AuthOptions): TokenLifetimes {
  const { accessToken, refreshToken } = resolveOptions(options);
  return {
    access: accessToken.ttlMs,
    refresh: Math.min(refreshToken.idleTtlMs, refreshToken.absoluteTtlMs),
  };
}
