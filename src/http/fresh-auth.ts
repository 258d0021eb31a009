import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthError } from '../core/errors.js';
import type { Clock } from '../core/ports.js';
import { CLOCK } from '../database/database.module.js';
import { assertOwner, type AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import { FRESH_AUTH, type FreshAuthRule } from './decorators/require-fresh-auth.decorator.js';

/** Holds requests to the `@RequireFreshAuth()` of their route. */
@Injectable()
export class FreshAuth {
  /** By controller and handler: metadata is read once for each route. */
  private readonly rules = new WeakMap<object, WeakMap<object, FreshAuthRule | null>>();

  constructor(
    private readonly reflector: Reflector,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @throws AuthError `REAUTHENTICATION_REQUIRED`, `FORBIDDEN` (somebody acts for the user) */
  check(context: ExecutionContext, user: AuthenticatedUser | undefined): void {
    const rule = this.ruleOf(context);
    if (rule === null || !user) return;
    // Who acts for a user cannot prove to be them.
    assertOwner(user);
    const { authTime, amr = [] } = user.session;
    const isFresh = authTime !== undefined && this.clock.now() - authTime.getTime() <= rule.maxAgeMs;
    const isByMethod = rule.amr.length === 0 || rule.amr.some((method) => amr.includes(method));
    if (isFresh && isByMethod) return;
    throw new AuthError('REAUTHENTICATION_REQUIRED', { maxAge: Math.floor(rule.maxAgeMs / 1000) });
  }

  private ruleOf(context: ExecutionContext): FreshAuthRule | null {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    const known = this.rules.get(controller)?.get(handler);
    if (known !== undefined) return known;
    const rule =
      this.reflector.getAllAndOverride<FreshAuthRule | undefined>(FRESH_AUTH, [handler, controller]) ?? null;
    const routes = this.rules.get(controller) ?? new WeakMap<object, FreshAuthRule | null>();
    this.rules.set(controller, routes.set(handler, rule));
    return rule;
  }
}
