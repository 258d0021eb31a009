import type { AuthEvents, EarlierTokenEvent, EventSource, RefusalReason } from '../core/events.js';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import type { RecentUse, RefreshSession } from '../core/refresh-token.store.js';
import type { RevocationReason } from '../core/rotation.js';
import { countSharedUse, type SharedUse } from '../core/shared-use.js';
import { hashSecret } from '../core/successor-seal.js';
import { eventSource, useOf } from './client-traits.js';
import type { RefreshRequest } from './refresh-request.js';

/** The part of a session that is in every event of its rotation. */
export function subject({ userId, id, generation }: RefreshSession) {
  return { userId, sessionId: id, generation };
}

/** What events about a token that is not the current one have in common. */
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

/** The use that made the current generation; null where the session no longer knows it. */
export function madeBy({ recentUses, lastUsedAt }: RefreshSession): RecentUse | null {
  return recentUses.find(({ at }) => at.getTime() === lastUsedAt.getTime()) ?? null;
}

/**
 * The count of generations served to two networks, where this request raises it: the current generation, made elsewhere, is
 * about to be served to it. Null where nothing is to be counted.
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

/** An ordinary refusal. The session may be unknown, so the ids are those of the token. */
export function refusal(
  { sub, sid, gen }: RefreshTokenClaims,
  source: EventSource,
  reason: RefusalReason,
  revokedReason: RevocationReason | null = null,
): AuthEvents['refresh_token.refused'] {
  return { userId: sub, sessionId: sid, presentedGeneration: gen, reason, revokedReason, source };
}
