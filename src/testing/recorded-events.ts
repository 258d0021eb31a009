import type { INestApplicationContext } from '@nestjs/common';
import type { AuthEventName, AuthEvents } from '../core/events.js';
import { AuthEventBus } from '../events/auth-event-bus.js';

/** An event as it was emitted. */
export interface RecordedEvent<Name extends AuthEventName = AuthEventName> {
  readonly name: Name;
  readonly payload: AuthEvents[Name];
}

const WAIT_MS = 5_000;

/** The events of an application since it was made, or last cleared; of {@link recordEvents}. */
export class RecordedEvents {
  private readonly recorded: RecordedEvent[] = [];
  private readonly waiting = new Set<() => void>();
  /** Records no more. */
  readonly stop: () => void;

  constructor(bus: AuthEventBus) {
    this.stop = bus.onEvery((name, payload) => {
      this.recorded.push({ name, payload });
      for (const look of this.waiting) look();
    });
  }

  /** All, in their order. */
  get all(): readonly RecordedEvent[] {
    return this.recorded;
  }

  /** The payloads of one event, in their order. */
  of<Name extends AuthEventName>(name: Name): AuthEvents[Name][] {
    return this.recorded
      .filter((event) => event.name === name)
      .map(({ payload }) => payload as AuthEvents[Name]);
  }

  /**
   * The first payload of an event, as soon as there is one: some are emitted after the answer.
   * @throws Error after `withinMs`, 5 s if it is not given
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
        reject(new Error(`no ${name} within ${withinMs} ms; there were ${this.names()}`));
      }, withinMs);
      this.waiting.add(look);
      look();
    });
  }

  clear(): void {
    this.recorded.length = 0;
  }

  /** For messages. */
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
