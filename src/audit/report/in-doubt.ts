import { AUTH_EVENTS } from '../../core/events.js';
import type { AuditService } from '../audit.service.js';
import type { SecurityEvent } from '../security-event.js';
import { type DayPeriod, momentsOf } from './report-period.js';

/** Rules that fire where two clients come with one refresh token. */
export const SECOND_HOLDER_RULES: ReadonlySet<string> = new Set([
  'contested_token',
  'one_token_two_networks',
]);

/** Earlier refresh tokens that were answered, by the name of their count. */
const FORGIVEN = {
  replays: 'refresh_token.replayed',
  recoveries: 'refresh_token.recovered',
  healed: 'refresh_token.healed',
} as const;
const SIGNS = ['refresh_token.reuse_detected', 'refresh_token.displaced', 'activity.suspected'] as const;
const MAX_SESSIONS = 50;
const MAX_ROWS = 200;

/** Answers to earlier tokens in sessions that a second client holds, or may hold: nobody knows which of the two got them. */
export interface InDoubt extends Readonly<Record<keyof typeof FORGIVEN, number>> {
  /** Whether each of them was found. */
  readonly isExact: boolean;
}

export const NONE_IN_DOUBT: InDoubt = { replays: 0, recoveries: 0, healed: 0, isExact: true };

/**
 * Counts them within a period. A sign may come after its end: the owner of a copied token refreshes days later. It reads rows
 * by an index, and of the 50 newest such sessions alone.
 */
export async function inDoubt(audit: Pick<AuditService, 'events'>, period: DayPeriod): Promise<InDoubt> {
  const { from, to } = momentsOf(period);
  const signs = await Promise.all(SIGNS.map((type) => audit.events({ type, from, limit: MAX_ROWS })));
  const found = signs.flatMap(({ items }) => items.filter(isOfSecondHolder));
  const sessions = new Map<string, string>();
  for (const { sessionId, userId } of found) if (sessionId && userId) sessions.set(sessionId, userId);
  const looked = new Map([...sessions].slice(0, MAX_SESSIONS));
  // The rows of a deleted user name no session.
  const isEverySession =
    looked.size === sessions.size &&
    found.every(({ sessionId }) => sessionId !== undefined) &&
    signs.every(({ nextCursor }) => nextCursor === undefined);

  let isExact = isEverySession;
  const countOf = async (type: (typeof FORGIVEN)[keyof typeof FORGIVEN]): Promise<number> => {
    const pages = await Promise.all(
      [...new Set(looked.values())].map((userId) =>
        audit.events({ userId, type, from, to, limit: MAX_ROWS }),
      ),
    );
    const rows = pages.flatMap(({ items }) => items.filter(({ sessionId = '' }) => looked.has(sessionId)));
    // A flood has rows only for some of its events.
    isExact &&= pages.every(({ nextCursor }) => nextCursor === undefined) && isBelowLimit(rows, type);
    return rows.length;
  };
  const [replays, recoveries, healed] = await Promise.all([
    countOf(FORGIVEN.replays),
    countOf(FORGIVEN.recoveries),
    countOf(FORGIVEN.healed),
  ]);
  return { replays, recoveries, healed, isExact };
}

function isOfSecondHolder({ type, reason }: SecurityEvent): boolean {
  return type !== 'activity.suspected' || SECOND_HOLDER_RULES.has(reason ?? '');
}

function isBelowLimit(rows: readonly SecurityEvent[], type: SecurityEvent['type']): boolean {
  const counts = new Map<string, number>();
  for (const { sessionId = '' } of rows) counts.set(sessionId, (counts.get(sessionId) ?? 0) + 1);
  return Math.max(0, ...counts.values()) < (AUTH_EVENTS[type].atMost ?? Number.POSITIVE_INFINITY);
}
