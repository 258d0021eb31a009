import { compareFingerprints } from './fingerprint.js';
import { hashSecret, openSuccessor } from './successor-seal.js';

/** How many replaced secrets a session remembers. */
export const MAX_PREDECESSORS = 4;
/** How many recent uses a session remembers. */
export const MAX_RECENT_USES = 5;

export type RevocationReason =
  | 'logged_out'
  | 'logged_out_everywhere'
  | 'ended_by_user'
  | 'reuse_detected'
  | 'replaced'
  | 'password_changed'
  | 'evicted'
  | 'user_disabled'
  | 'token_version_retired'
  | 'fingerprint_mismatched'
  | 'suspicious_activity'
  | 'ended_by_administrator'
  /** Through the revocation endpoint (RFC 7009). */
  | 'revoked_by_client'
  /** Its access tokens were revoked, and whoever did it did not get to end the session. */
  | 'revocation_completed';

export interface Predecessor {
  /** SHA-256 of the replaced secret. */
  readonly hash: string;
  /** The secret that replaced it, sealed under the replaced one. */
  readonly sealed: string;
  readonly rotatedAt: Date;
}

/** What the decision reads of a session. */
export interface RotationState {
  readonly id: string;
  readonly generation: number;
  readonly tokenHash: string;
  /** Oldest first. */
  readonly predecessors: readonly Predecessor[];
  readonly confirmedAt: Date | null;
  readonly recoveredAt: Date | null;
  readonly expiresAt: Date;
  readonly fingerprint: string | null;
  readonly revokedAt: Date | null;
  readonly revokedReason: RevocationReason | null;
}

export interface PresentedToken {
  readonly secret: string;
  readonly gen: number;
  /** The request's fingerprint under each key of the ring; any match counts. */
  readonly fingerprints: readonly string[];
}

export interface RotationPolicy {
  readonly gracePeriodMs: number;
  /** 0 turns the recovery of lost responses off. */
  readonly lostResponseWindowMs: number;
  readonly fingerprintMode: 'off' | 'report' | 'enforce';
}

/** Why an earlier token was not forgiven; kept as evidence in the event. */
export type ReuseEvidence =
  /** The token that replaced it was seen in use: its answer arrived, so somebody else presents the old one. */
  | 'successor_confirmed'
  /** The token that replaced it has itself been replaced, which takes a holder of both. */
  | 'successor_replaced'
  /** Older than the {@link MAX_PREDECESSORS} that the session remembers. */
  | 'beyond_memory'
  /** A lost response may be asked for again by the browser that lost it alone. */
  | 'fingerprint_differs'
  /** A lost response may be asked for again for so long only (`refreshToken.lostResponseWindow`). */
  | 'lost_response_window_elapsed';

/** Why the store, not the client, is taken to be at fault; kept as evidence in the event. */
export type RestoredEvidence =
  /** The token is of a generation that the store has not reached. */
  | 'generation_ahead'
  /** The store has reached the token's generation with another secret. */
  | 'secret_differs'
  /** The seals of the session's predecessors do not lead to its current secret. */
  | 'seal_broken';

export type RotationDecision =
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'revoked'; readonly reason: RevocationReason | null }
  | { readonly outcome: 'expired' }
  /** The secret is current after all: the compare-and-set met another write; run it again. */
  | { readonly outcome: 'retry' }
  | { readonly outcome: 'replay'; readonly secret: string }
  | { readonly outcome: 'recovered'; readonly secret: string; readonly repeated: boolean }
  | { readonly outcome: 'restored'; readonly evidence: RestoredEvidence }
  | { readonly outcome: 'reuse'; readonly evidence: ReuseEvidence };

/**
 * What to answer when the compare-and-set of a rotation found nothing. Pure: no I/O and no clock, so that a decision
 * table and a model test can hold it (RFC 9700 §4.14.2).
 */
export function decideRotation(
  session: RotationState | null,
  token: PresentedToken,
  now: Date,
  policy: RotationPolicy,
): RotationDecision {
  if (!session) return { outcome: 'unknown' };
  if (session.revokedAt) return { outcome: 'revoked', reason: session.revokedReason };
  if (session.expiresAt <= now) return { outcome: 'expired' };

  const hash = hashSecret(token.secret);
  if (hash === session.tokenHash) return { outcome: 'retry' };

  const index = session.predecessors.findIndex((predecessor) => predecessor.hash === hash);
  const predecessor = session.predecessors[index];
  if (!predecessor) {
    // A generation the store has not reached yet, or reached with another secret, is a store that went back in time.
    if (token.gen < session.generation) return { outcome: 'reuse', evidence: 'beyond_memory' };
    const evidence = token.gen > session.generation ? 'generation_ahead' : 'secret_differs';
    return { outcome: 'restored', evidence };
  }

  const isLast = index === session.predecessors.length - 1;
  // A negative age (the other process' clock runs ahead) counts as inside.
  const within = (since: Date | null, lengthMs: number) =>
    since !== null && now.getTime() - since.getTime() <= lengthMs;

  const inGrace =
    within(predecessor.rotatedAt, policy.gracePeriodMs) ||
    (isLast && within(session.recoveredAt, policy.gracePeriodMs));
  if (!inGrace) {
    if (!isLast) return { outcome: 'reuse', evidence: 'successor_replaced' };
    if (session.confirmedAt) return { outcome: 'reuse', evidence: 'successor_confirmed' };
    if (policy.lostResponseWindowMs === 0 || !within(predecessor.rotatedAt, policy.lostResponseWindowMs))
      return { outcome: 'reuse', evidence: 'lost_response_window_elapsed' };
    if (
      policy.fingerprintMode !== 'off' &&
      session.fingerprint !== null &&
      compareFingerprints(session.fingerprint, token.fingerprints) === 'different'
    )
      return { outcome: 'reuse', evidence: 'fingerprint_differs' };
  }

  const secret = openToCurrent(session, token.secret, index);
  // Seals that do not lead to the current secret are damaged storage, which is no evidence against the client.
  if (secret === null) return { outcome: 'restored', evidence: 'seal_broken' };
  return inGrace
    ? { outcome: 'replay', secret }
    : { outcome: 'recovered', secret, repeated: session.recoveredAt !== null };
}

/** Opens seal after seal, from the predecessor at `index` to the current secret. */
function openToCurrent(session: RotationState, presented: string, index: number): string | null {
  let secret: string | null = presented;
  for (const predecessor of session.predecessors.slice(index)) {
    secret = openSuccessor(secret, predecessor.sealed, session.id);
    if (secret === null) return null;
  }
  return hashSecret(secret) === session.tokenHash ? secret : null;
}
