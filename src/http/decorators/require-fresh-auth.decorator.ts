import { SetMetadata } from '@nestjs/common';
import { type Duration, parseDuration } from '../../core/duration.js';

export const FRESH_AUTH = 'silent-auth:fresh-auth';

/** What a route requires of the latest authentication. */
export interface FreshAuthRule {
  readonly maxAgeMs: number;
  /** The authentication must have used one of these methods; empty means any. */
  readonly amr: readonly string[];
}

/**
 * Requires that the user proved who they are within `maxAge`, at a login or with `POST /auth/reauthenticate` (step-up, RFC
 * 9470). For a handler, or for a controller and all of its handlers. `JwtAuthGuard` checks it, so it has no effect on a
 * `@Public()` route. Otherwise the request is refused with 401 `REAUTHENTICATION_REQUIRED`, or with `FORBIDDEN` if somebody
 * acts for the user.
 * @param maxAge at least a second, such as `'5m'`
 * @param options `amr`: the authentication must have used one of these methods (RFC 8176), such as `['otp']`
 * @throws TypeError if `maxAge` is not a duration of at least a second
 */
export function RequireFreshAuth(maxAge: Duration, { amr = [] }: { readonly amr?: readonly string[] } = {}) {
  const maxAgeMs = parseDuration(maxAge);
  if (maxAgeMs === null || maxAgeMs < 1000)
    throw new TypeError(
      `RequireFreshAuth(${String(maxAge)}): give a duration of at least a second, such as '5m'`,
    );
  return SetMetadata(FRESH_AUTH, { maxAgeMs, amr } satisfies FreshAuthRule);
}
