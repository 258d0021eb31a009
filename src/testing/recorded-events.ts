import type { INestApplicationContext } from '@nestjs/common';
import type { AuthEventName, AuthEvents } from '../core/events.js';
import { AuthEventBus } from '../events/auth-event-bus.js';

/** An emitted event. */
export interface RecordedEvent<Name extends AuthEventName = AuthEventName> {
  readonly name: Name;
  readonly payload: AuthEvents[Name];
}

const WAIT_MS = 5_000;

/** The events of an application since the start of the recording or the last `clear`; made by {@link recordEvents}. */
export class RecordedEvents {
  private readonly recorded: RecordedEvent[] = [];
  private readonly waiting = new Set<() => void>();
  /** Stops recording. */
  readonly stop: () => void;

  constructor(bus: AuthEventBus) {
    this.stop = bus.onEvery((name, payload) => {
      this.recorded.push({ name, payload });
      for (const look of this.waiting) look();
    });
  }

  /** All events, in order. */
  get all(): readonly RecordedEvent[] {
    return this.recorded;
  }

  /** The payloads of one event, in order. */
  of<Name extends AuthEventName>(name: Name): AuthEvents[Name][] {
    return this.recorded
      .filter((event) => event.name === name)
      .map(({ payload }) => payload as AuthEvents[Name]);
  }

  /**
   * Waits for the first payload of an event: some events are emitted after the response.
   * @throws Error after `withinMs`, 5 s by default
   */
  async next<Name extends AuthEventName>(name: Name, withinMs = WAIT_MS): Promise<AuthEvents[Name]> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.waiting.delete(look);
      };
      const look = () => {
        const [payload] = this.of(name);
        if (payload === undefined) return;
        end();
        resolve(payload);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`no ${name} within ${withinMs} ms; emitted events: ${this.names()}`));
      }, withinMs);
      this.waiting.add(look);
      look();
    });
  }

  clear(): void {
    this.recorded.length = 0;
  }

  /** The names of all events, for messages. */
  names(): string {
    return this.recorded.map(({ name }) => name).join(', ') || 'none';
  }
}

/**
 * Records the events of an application.
 *
 * @example
 * const events = recordEvents(app);
 * await browser.login(credentials);
 * expect(events).toHaveEmitted('user.logged_in', { userId });
 */
export function recordEvents(app: INestApplicationContext): RecordedEvents {
  return new RecordedEvents(app.get(AuthEventBus, { strict: false }));
}
