import { Injectable, type OnModuleInit } from '@nestjs/common';
import {
  AUTH_EVENT_NAMES,
  AUTH_EVENTS,
  AuthEventBus,
  type AuthEventName,
  type AuthEvents,
} from 'nestjs-silent-auth';
import { Counter, Registry } from 'prom-client';

/** The label for an event without a reason, and for an unknown reason: typed text never becomes a label. */
const NONE = '';
const OTHER = 'other';

/** Counts every event once, by its name and by its reason. */
@Injectable()
export class EventCounter implements OnModuleInit {
  private readonly counter: Counter<'event' | 'reason'>;
  /** Event → reason → its counter, created once: creating labels costs more than counting. */
  private readonly counters = new Map<string, Map<string, Counter.Internal>>();

  constructor(
    registry: Registry,
    private readonly bus: AuthEventBus,
  ) {
    this.counter = new Counter({
      name: 'silent_auth_events_total',
      help: 'Events of AuthEventBus, by name and, if the event has one, by reason.',
      labelNames: ['event', 'reason'],
      registers: [registry],
    });
    // Starts at 0: a series that begins with 1 hides its first event from `rate()`.
    for (const name of AUTH_EVENT_NAMES) {
      const known = Object.keys(AUTH_EVENTS[name].reason?.words ?? { [NONE]: '' });
      this.counters.set(name, new Map(known.map((reason) => [reason, this.startAtZero(name, reason)])));
    }
  }

  onModuleInit(): void {
    this.bus.onEvery((name, payload) => this.count(name, payload));
  }

  private count<Name extends AuthEventName>(name: Name, payload: AuthEvents[Name]): void {
    const field = AUTH_EVENTS[name].reason?.field;
    const reason = field === undefined ? NONE : String(payload[field]);
    const counter = this.counters.get(name)?.get(reason);
    if (counter) counter.inc();
    else this.counter.inc({ event: name, reason: OTHER });
  }

  private startAtZero(event: string, reason: string): Counter.Internal {
    this.counter.inc({ event, reason }, 0);
    return this.counter.labels({ event, reason });
  }
}
