import { AUTH_EVENTS, type AuthEventName, type AuthEvents } from '../core/events.js';
import { MINUTE_MS } from '../core/limits.js';
import { clientAddress } from '../core/network.js';

const WINDOW_MS = 15 * MINUTE_MS;
/** Maximum events of one name and user in a window, across all reasons, sessions and addresses. */
const PER_USER = 100;
/** Maximum events without a user in a window: an attacker can send them from any number of addresses. */
const PER_NOBODY = 250;
/** Maximum number of counted keys; beyond it, all counts start again. */
const REMEMBERED = 20_000;

/**
 * Decides which events get a row and a log line. Anybody can cause refusals without end, and users cause races: beyond a
 * limit (`atMost` in `AUTH_EVENTS`), such events are only counted. Uses bounded memory of this process.
 */
export class EventLimit {
  private readonly counts = new Map<string, number>();
  private endsAt = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Counts the event, and returns whether to write it. */
  admits<Name extends AuthEventName>(name: Name, payload: AuthEvents[Name]): boolean {
    const { atMost, reason } = AUTH_EVENTS[name];
    if (atMost === undefined) return true;
    const { userId, sessionId, clientId, handler, source, ...rest } = payload as LimitedPayload;
    const why = reason === undefined ? null : rest[reason.field];
    const address = clientAddress(source?.ip ?? '');
    const isFew = this.count(atMost, name, why, userId, sessionId, clientId, handler, address);
    if (!isFew) return false;
    return userId ? this.count(PER_USER, name, userId) : this.count(PER_NOBODY);
  }

  private count(limit: number, ...key: readonly unknown[]): boolean {
    const now = this.now();
    if (now >= this.endsAt || this.counts.size >= REMEMBERED) {
      this.counts.clear();
      this.endsAt = now + WINDOW_MS;
    }
    const id = JSON.stringify(key);
    const count = (this.counts.get(id) ?? 0) + 1;
    this.counts.set(id, count);
    return count <= limit;
  }
}

/** The fields that distinguish limited events. */
interface LimitedPayload extends Record<string, unknown> {
  readonly userId?: string | null;
  readonly sessionId?: string | null;
  readonly clientId?: string | null;
  readonly handler?: string;
  readonly source?: { readonly ip: string } | null;
}
