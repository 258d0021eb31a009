import { AUTH_EVENTS, type AuthEventName } from '../../../../src/core/events.js';
import type { UserEvent } from './user-event.js';

/** An event, or several that read the same. */
export interface EventLine {
  readonly newest: UserEvent;
  /** The first of them; the same one where it came once. */
  readonly oldest: UserEvent;
  readonly count: number;
}

/** One line for events in a row that read the same: a hundred guesses, or an administrator who keeps reading this list. */
export function eventLines(events: readonly UserEvent[]): EventLine[] {
  const lines: EventLine[] = [];
  for (const event of events) {
    const last = lines.at(-1);
    if (last && readsLike(last.newest, event))
      lines[lines.length - 1] = { ...last, oldest: event, count: last.count + 1 };
    else lines.push({ newest: event, oldest: event, count: 1 });
  }
  return lines;
}

const readsLike = (one: UserEvent, other: UserEvent): boolean => keyOf(one) === keyOf(other);

const keyOf = ({ type, by, ip, userAgent, reason, evidence }: UserEvent): string =>
  JSON.stringify([type, by, ip, userAgent, reason, evidence?.everywhere]);

/** One event in words; an event that only a newer service knows keeps its name. */
export function eventWords({ type, by, evidence }: Pick<UserEvent, 'type' | 'by' | 'evidence'>): string {
  if (type === 'user.logged_out' && evidence?.everywhere === true)
    return by === undefined ? 'Logged out everywhere' : 'All sessions were ended';
  return AUTH_EVENTS[type as AuthEventName]?.one ?? type;
}
