import type { AuthEvents, EarlierTokenEvent, EventSource, RefusalReason } from '../core/events.js';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import type { RecentUse, RefreshSession } from '../core/refresh-token.store.js';
import type { RevocationReason } from '../core/rotation.js';
import { countSharedUse, type SharedUse } from '../core/shared-use.js';
import { hashSecret } from '../core/successor-seal.js';
import { eventSource, useOf } from './client-traits.js';
import type { RefreshRequest } from './refresh-request.js';

/** The fields of a session that every event about its rotation has. */
export function subject({ userId, id, generation }: RefreshSession) {
  return { userId, sessionId: id, generation };
}

/** The fields that all events about an earlier token share. */
export function seen({ token, client }: RefreshRequest, session: RefreshSession): EarlierTokenEvent {
  const hash = hashSecret(token.sec);
  const predecessor = session.predecessors.find((each) => each.hash === hash);
  const abandoned = session.abandoned.find((each) => each.hash === hash);
  return {
    ...subject(session),
    presentedGeneration: token.gen,
    replacedAt: predecessor?.rotatedAt ?? abandoned?.abandonedAt ?? null,
    confirmedAt: session.confirmedAt,
    source: eventSource(client),
  };
}

/** The use that made the current generation; null if the session no longer has it. */
export function madeBy({ recentUses, lastUsedAt }: RefreshSession): RecentUse | null {
  return recentUses.find(({ at }) => at.getTime() === lastUsedAt.getTime()) ?? null;
}

/**
 * The new count of generations served to two networks, if this request raises it: it is about to get the current
 * generation, which another network made. Null if the count does not change.
 */
export function newlyShared(
  { client }: RefreshRequest,
  session: RefreshSession,
  now: Date,
): SharedUse | null {
  const { sharedUse, generation } = session;
  const counted = countSharedUse(sharedUse, generation, madeBy(session), useOf(client, now));
  return counted === sharedUse ? null : counted;
}

/** The payload of an ordinary refusal. The session may be unknown, so the ids come from the token. */
export function refusal(
  { sub, sid, gen }: RefreshTokenClaims,
  source: EventSource,
  reason: RefusalReason,
  revokedReason: RevocationReason | null = null,
): AuthEvents['refresh_token.refused'] {
  return { userId: sub, sessionId: sid, presentedGeneration: gen, reason, revokedReason, source };
}
