import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { AuthEventName, AuthEvents } from '../core/events.js';
import { EventLimit } from './event-limit.js';

type Handler<Name extends AuthEventName> = (payload: AuthEvents[Name]) => unknown;
/**
 * Hears of every event; see {@link AuthEventBus.onEvery}. `isExcess`: many such events came before it (`atMost` in
 * `AUTH_EVENTS`), so count it, and write nothing that is kept.
 */
export type EventRecorder = <Name extends AuthEventName>(
  name: Name,
  payload: AuthEvents[Name],
  isExcess: boolean,
) => void;

/**
 * What happened, for those who want to know: subscribe here, or by `@OnEvent('session.revoked')` where the host imports
 * `EventEmitterModule`. Handlers run off the request's path; one that fails is logged and harms nobody.
 */
@Injectable()
export class AuthEventBus {
  private readonly logger = new Logger('AuthEventBus');
  private readonly handlers = new Map<AuthEventName, Set<Handler<never>>>();
  private readonly recorders = new Set<EventRecorder>();
  private readonly limit = new EventLimit();

  constructor(@Optional() @Inject(EventEmitter2) private readonly hostEmitter: EventEmitter2 | null) {}

  /** @returns a function that ends the subscription */
  on<Name extends AuthEventName>(name: Name, handler: Handler<Name>): () => void {
    const handlers = this.handlers.get(name) ?? new Set();
    this.handlers.set(name, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  /**
   * Hears every event, at once and in order, while the request that caused it is under way: only take note of it here,
   * and work later.
   * @returns a function that ends the subscription
   */
  onEvery(recorder: EventRecorder): () => void {
    this.recorders.add(recorder);
    return () => this.recorders.delete(recorder);
  }

  /** Resolves when every handler has ended; never rejects. */
  async emit<Name extends AuthEventName>(name: Name, payload: AuthEvents[Name]): Promise<void> {
    const isExcess = !this.limit.admits(name, payload);
    for (const recorder of this.recorders) this.record(recorder, name, payload, isExcess);
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

  private record<Name extends AuthEventName>(
    recorder: EventRecorder,
    name: Name,
    payload: AuthEvents[Name],
    isExcess: boolean,
  ): void {
    try {
      recorder(name, payload, isExcess);
    } catch (error) {
      this.logger.error(`a recorder of ${name} failed: ${String(error)}`);
    }
  }
}
