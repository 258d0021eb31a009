import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { AuthEventName, AuthEvents } from '../core/events.js';
import { EventLimit } from './event-limit.js';

type Handler<Name extends AuthEventName> = (payload: AuthEvents[Name]) => unknown;
/**
 * Receives every event; see {@link AuthEventBus.onEvery}. `isExcess`: more events of this kind occurred than `atMost` in
 * `AUTH_EVENTS` allows, so count this one, but do not store it.
 */
export type EventRecorder = <Name extends AuthEventName>(
  name: Name,
  payload: AuthEvents[Name],
  isExcess: boolean,
) => void;

/**
 * Emits the library's events: subscribe here, or with `@OnEvent('session.revoked')` if the host imports
 * `EventEmitterModule`. Handlers run outside of the request; an error in a handler is only logged.
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
   * Calls `recorder` for every event, synchronously and in order, while the request that caused it is running: only record the
   * event here, and do the work later.
   * @returns a function that ends the subscription
   */
  onEvery(recorder: EventRecorder): () => void {
    this.recorders.add(recorder);
    return () => this.recorders.delete(recorder);
  }

  /** Resolves when every handler has finished; never rejects. */
  async emit<Name extends AuthEventName>(name: Name, payload: AuthEvents[Name]): Promise<void> {
    const isExcess = !this.limit.admits(name, payload);
    for (const recorder of this.recorders) this.record(recorder, name, payload, isExcess);
    if (!this.hostEmitter && !this.handlers.get(name)?.size) return;
    // Runs after the current work: a slow handler must not delay its answer.
    await new Promise((resolve) => setImmediate(resolve));
    const handlers = [...((this.handlers.get(name) ?? []) as Iterable<Handler<Name>>)];
    const calls = handlers.map(async (handler) => handler(payload));
    // A host listener that throws synchronously makes the emitter throw: inside the async function it only rejects.
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
