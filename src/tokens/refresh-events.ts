import type { AuthEvents, EarlierTokenEvent, EventSource, RefusalReason } from '../core/events.js';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import type { RevocationReason } from '../core/rotation.js';
import { hashSecret } from '../core/successor-seal.js';
import type { RefreshSession } from './refresh-token.store.js';

/** What every event of a session's rotation says of it. */
export function subject({ userId, id, generation }: RefreshSession) {
  return { userId, sessionId: id, generation };
}

/** What the events of a token that is not the current one have in common. */
export function earlierToken(
  session: RefreshSession,
  { gen, sec }: RefreshTokenClaims,
  source: EventSource,
): EarlierTokenEvent {
  const hash = hashSecret(sec);
  return {
    ...subject(session),
    presentedGeneration: gen,
    replacedAt: session.predecessors.find((predecessor) => predecessor.hash === hash)?.rotatedAt ?? null,
    confirmedAt: session.confirmedAt,
    source,
  };
}

/** A refusal that is no sign of anything; the session may be unknown, so only the token tells whose it was. */
export function refusal(
  { sub, sid, gen }: RefreshTokenClaims,
  source: EventSource,
  reason: RefusalReason,
  revokedReason: RevocationReason | null = null,
): AuthEvents['refresh_token.refused'] {
  return { userId: sub, sessionId: sid, presentedGeneration: gen, reason, revokedReason, source };
}
