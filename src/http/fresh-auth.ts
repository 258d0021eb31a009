import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthError } from '../core/errors.js';
import { CLOCK, type Clock } from '../core/ports.js';
import { assertOwner, type AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import { FRESH_AUTH, type FreshAuthRule } from './decorators/require-fresh-auth.decorator.js';
import { RouteMetadata } from './route-metadata.js';

/** Checks requests against the `@RequireFreshAuth()` of their route. */
@Injectable()
export class FreshAuth {
  private readonly rules: RouteMetadata<FreshAuthRule>;

  constructor(
    reflector: Reflector,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.rules = new RouteMetadata(reflector, FRESH_AUTH);
  }

  /** @throws AuthError `REAUTHENTICATION_REQUIRED`, `FORBIDDEN` (somebody acts for the user) */
  check(context: ExecutionContext, user: AuthenticatedUser | undefined): void {
    const rule = this.rules.of(context);
    if (rule === null || !user) return;
    // An actor cannot authenticate as the user.
    assertOwner(user);
    const { authTime, amr = [] } = user.session;
    const isFresh = authTime !== undefined && this.clock.now() - authTime.getTime() <= rule.maxAgeMs;
    const isByMethod = rule.amr.length === 0 || rule.amr.some((method) => amr.includes(method));
    if (isFresh && isByMethod) return;
    throw new AuthError('REAUTHENTICATION_REQUIRED', { maxAge: Math.floor(rule.maxAgeMs / 1000) });
  }
}
