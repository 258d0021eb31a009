import { SetMetadata } from '@nestjs/common';
import { type Duration, parseDuration } from '../../core/duration.js';

export const FRESH_AUTH = 'silent-auth:fresh-auth';

/** What a route requires of the latest authentication. */
export interface FreshAuthRule {
  readonly maxAgeMs: number;
  /** One of these methods; empty: any. */
  readonly amr: readonly string[];
}

/**
 * Requires that the user proved who they are within `maxAge`, at a login or by `POST /auth/reauthenticate` (step-up, RFC
 * 9470). On a handler, or on a controller for all of its handlers; `JwtAuthGuard` checks it, so it says nothing on a route
 * that is `@Public()`. Refused with 401 `REAUTHENTICATION_REQUIRED`; users for whom somebody else acts with `FORBIDDEN`.
 * @param maxAge of at least a second, such as `'5m'`
 * @param options `amr`: one of these methods must be among those of the authentication (RFC 8176), such as `['otp']`
 * @throws TypeError where `maxAge` is no such duration
 */
export function RequireFreshAuth(maxAge: Duration, { amr = [] }: { readonly amr?: readonly string[] } = {}) {
  const maxAgeMs = parseDuration(maxAge);
  if (maxAgeMs === null || maxAgeMs < 1000)
    throw new TypeError(
      `RequireFreshAuth(${String(maxAge)}): give a duration of at least a second, such as '5m'`,
    );
  return SetMetadata(FRESH_AUTH, { maxAgeMs, amr } satisfies FreshAuthRule);
}
