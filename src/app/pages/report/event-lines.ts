import type { UserEvent } from './user-event.js';

/** An event, or the like of it again and again. */
export interface EventLine {
  readonly newest: UserEvent;
  /** The first of them; the same one where it came once. */
  readonly oldest: UserEvent;
  readonly count: number;
}

/** One line of what came in a row and reads the same: of a hundred guesses, and of looks at this very list. */
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
