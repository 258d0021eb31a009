import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import {
  ANOMALY_RULES,
  AUTH_EVENT_NAMES,
  AuthEventBus,
  type AuthEventName,
  type AuthEvents,
} from '../../index.js';

/** A field of an event that tells why, and all that it can say: the compiler misses what is forgotten. */
type Reason<Payload> = {
  [Field in keyof Payload]: Payload[Field] extends string
    ? readonly [field: Field, known: Readonly<Record<Payload[Field], true>>]
    : never;
}[keyof Payload];

/** Closed lists alone become labels: what people type, and what names somebody, does not. */
const REASONS: { readonly [Name in AuthEventName]?: Reason<AuthEvents[Name]> } = {
  'login.failed': [
    'reason',
    {
      unknown_user: true,
      wrong_password: true,
      disabled: true,
      email_not_verified: true,
      wrong_current_password: true,
    },
  ],
  'login.locked': ['reason', { failure_limit: true, login_limit: true, refresh_limit: true }],
  'refresh_token.restored': ['evidence', { generation_ahead: true, secret_differs: true, seal_broken: true }],
  'refresh_token.reuse_detected': [
    'evidence',
    {
      successor_confirmed: true,
      successor_replaced: true,
      beyond_memory: true,
      fingerprint_differs: true,
      lost_response_window_elapsed: true,
    },
  ],
  'refresh_token.refused': [
    'reason',
    { session_unknown: true, session_expired: true, session_revoked: true, contended: true },
  ],
  'session.revoked': [
    'reason',
    {
      logged_out: true,
      logged_out_everywhere: true,
      ended_by_user: true,
      reuse_detected: true,
      replaced: true,
      password_changed: true,
      evicted: true,
      user_disabled: true,
      token_version_retired: true,
      fingerprint_mismatched: true,
      suspicious_activity: true,
      ended_by_administrator: true,
      revoked_by_client: true,
      revocation_completed: true,
    },
  ],
  'client.refused': ['reason', { unknown_client: true, wrong_secret: true, client_limit: true }],
  // Of the rules that the service runs.
  'activity.suspected': ['rule', Object.fromEntries(ANOMALY_RULES.map(({ name }) => [name, true as const]))],
};

/** Of an event that has none, and of what no list knows. */
const NONE = '';
const OTHER = 'other';

/** Counts every event once, by its name and by its reason. */
@Injectable()
export class EventCounter implements OnModuleInit {
  private readonly counter: Counter<'event' | 'reason'>;
  /** Event → reason → its counter: to make the labels anew each time would cost more than to count. */
  private readonly counters = new Map<string, Map<string, Counter.Internal>>();

  constructor(
    registry: Registry,
    private readonly bus: AuthEventBus,
  ) {
    this.counter = new Counter({
      name: 'silent_auth_events_total',
      help: 'Events of AuthEventBus, by name and, where there is one, by reason.',
      labelNames: ['event', 'reason'],
      registers: [registry],
    });
    // At 0 from the start: of a series that begins with 1 no rate sees the first event.
    for (const name of AUTH_EVENT_NAMES) {
      const known = Object.keys(REASONS[name]?.[1] ?? { [NONE]: true });
      this.counters.set(name, new Map(known.map((reason) => [reason, this.startAtZero(name, reason)])));
    }
  }

  onModuleInit(): void {
    this.bus.onEvery((name, payload) => this.count(name, payload));
  }

  private count<Name extends AuthEventName>(name: Name, payload: AuthEvents[Name]): void {
    const field = REASONS[name]?.[0];
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
