import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { AuthEventName, AuthEvents } from '../core/events.js';

type Handler<Name extends AuthEventName> = (payload: AuthEvents[Name]) => unknown;

/**
 * What happened, for those who want to know: subscribe here, or by `@OnEvent('session.revoked')` where the host imports
 * `EventEmitterModule`. Handlers run off the request's path; one that fails is logged and harms nobody.
 */
@Injectable()
export class AuthEventBus {
  private readonly logger = new Logger('AuthEventBus');
  private readonly handlers = new Map<AuthEventName, Set<Handler<never>>>();

  constructor(@Optional() @Inject(EventEmitter2) private readonly hostEmitter: EventEmitter2 | null) {}

  /** @returns a function that ends the subscription */
  on<Name extends AuthEventName>(name: Name, handler: Handler<Name>): () => void {
    const handlers = this.handlers.get(name) ?? new Set();
    this.handlers.set(name, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  /** Resolves when every handler has ended; never rejects. */
  async emit<Name extends AuthEventName>(name: Name, payload: AuthEvents[Name]): Promise<void> {
    if (!this.hostEmitter && !this.handlers.get(name)?.size) return;
    // After the work at hand: a handler that blocks must not hold an answer back.
    await new Promise((resolve) => setImmediate(resolve));
    const handlers = [...((this.handlers.get(name) ?? []) as Iterable<Handler<Name>>)];
    const calls = handlers.map(async (handler) => handler(payload));
    // A listener of the host that throws at once makes the emitter itself throw: inside a promise it harms nobody.
    const { hostEmitter } = this;
    if (hostEmitter) calls.push((async () => hostEmitter.emitAsync(name, payload))());
    for (const result of await Promise.allSettled(calls))
      if (result.status === 'rejected')
        this.logger.error(`a handler of ${name} failed: ${String(result.reason)}`);
  }
}
