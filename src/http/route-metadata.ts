import type { ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';

/** A metadata value of each route: of its handler, or else of its controller. Cached, because guards run for each request. */
export class RouteMetadata<Value extends NonNullable<unknown>> {
  /** By controller and handler; null if neither has it. */
  private readonly known = new WeakMap<object, WeakMap<object, Value | null>>();

  constructor(
    private readonly reflector: Reflector,
    private readonly key: string | symbol,
  ) {}

  of(context: ExecutionContext): Value | null {
    const handler = context.getHandler();
    const controller = context.getClass();
    const known = this.known.get(controller)?.get(handler);
    if (known !== undefined) return known;
    const value =
      this.reflector.getAllAndOverride<Value | undefined>(this.key, [handler, controller]) ?? null;
    const routes = this.known.get(controller) ?? new WeakMap<object, Value | null>();
    this.known.set(controller, routes.set(handler, value));
    return value;
  }
}
