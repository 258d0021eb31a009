import { compareFingerprints } from './fingerprint.js';
import type { RestoredEvidence, ReuseEvidence, RevocationReason } from './reasons.js';
import { hashSecret, openSuccessor } from './successor-seal.js';

export type { RestoredEvidence, ReuseEvidence, RevocationReason };

/** Maximum number of replaced secrets that a session remembers. */
export const MAX_PREDECESSORS = 4;
/** Maximum number of abandoned secrets that a session remembers. */
export const MAX_ABANDONED = 4;
/** Maximum number of attempts that a secret remembers in addition to the one that replaced it last. */
export const MAX_FORMER_ATTEMPTS = 3;
/** Maximum number of recent uses that a session remembers. */
export const MAX_RECENT_USES = 5;

/** A secret that is no longer the current one. */
interface FormerSecret {
  /** SHA-256 of the secret. */
  readonly hash: string;
  /** The generation of the session in which it was current; 0 in documents of 0.1, which do not have it. */
  readonly gen: number;
  /** The secret that replaced it, sealed under this one. */
  readonly sealed: string;
  /** Hash of the attempt that replaced it; null if the client sent none. */
  readonly attempt: string | null;
  /**
   * Hashes of the attempts that replaced it before its holder's stored token fell back to it; absent if that never happened.
   * A delayed request may still arrive with one of them.
   */
  readonly formerAttempts?: readonly string[];
}

/** A secret that was replaced by its own holder. */
export interface Predecessor extends FormerSecret {
  /** When it was replaced for the first time. */
  readonly rotatedAt: Date;
  /** When a generation was first taken back in its favour. This happens only once for each secret. */
  readonly displacedAt: Date | null;
}

/** A secret that was current for a while, but whose answer no honest client holds. */
export interface AbandonedSecret extends FormerSecret {
  readonly abandonedAt: Date;
}

/** The part of a session that the decision reads. */
export interface RotationState {
  readonly id: string;
  readonly generation: number;
  readonly tokenHash: string;
  /** Oldest first. */
  readonly predecessors: readonly Predecessor[];
  /** By generation, the lowest first. */
  readonly abandoned: readonly AbandonedSecret[];
  /** When the current generation was made; also the latest replacement of the last predecessor. */
  readonly rotatedAt: Date;
  /** When an access token of the current generation was first used. */
  readonly confirmedAt: Date | null;
  readonly expiresAt: Date;
  readonly fingerprint: string | null;
  readonly revokedAt: Date | null;
  readonly revokedReason: RevocationReason | null;
}

/** A refresh token as a request presents it. */
export interface PresentedToken {
  readonly secret: string;
  readonly gen: number;
  /** The request's fingerprint under each key of the ring; any match counts. */
  readonly fingerprints: readonly string[];
  /** Hash of the request's attempt; null if it has none. */
  readonly attempt: string | null;
  /** Hash of the client's previous attempt, which made the generation that the client knows; null if it sent none. */
  readonly previous: string | null;
  /** The client has closed the connection: nobody waits for the answer. */
  readonly hasHungUp: boolean;
  /** This process was just suspended or blocked: the request may be old, and its client may have continued elsewhere. */
  readonly isAfterStandstill: boolean;
}

export interface RotationPolicy {
  readonly gracePeriodMs: number;
  /** 0 disables the recovery of lost responses. */
  readonly lostResponseWindowMs: number;
  readonly fingerprintMode: 'off' | 'report' | 'enforce';
}

/** A decision that gives the session a new secret, in place of one that the presenter does not hold. */
export type Reissue = {
  readonly outcome: 'healed' | 'displaced' | 'recovered';
  /** The current secret, which is abandoned. */
  readonly lostSecret: string;
};

export type RotationDecision =
  /** Nobody waits for the answer: the token is neither rotated nor judged. */
  | { readonly outcome: 'dropped' }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'revoked'; readonly reason: RevocationReason | null }
  | { readonly outcome: 'expired' }
  /** The secret is the current one after all: another write interfered with the compare-and-set; run it again. */
  | { readonly outcome: 'retry' }
  /** `isSameAttempt`: the attempt proves that the same client asks again; otherwise only the timing suggests it. */
  | { readonly outcome: 'replay'; readonly secret: string; readonly isSameAttempt: boolean }
  /** The attempt was answered long ago: no sign of theft, but the answer is no longer useful. */
  | { readonly outcome: 'superseded' }
  /** Another attempt replaced the same token within the grace period: two tabs that share no record, or two holders. */
  | { readonly outcome: 'contested' }
  | Reissue
  | { readonly outcome: 'restored'; readonly evidence: RestoredEvidence }
  | { readonly outcome: 'reuse'; readonly evidence: ReuseEvidence }
  /** It looks like reuse, but the verdict could be wrong; the same request is judged when it comes again. */
  | { readonly outcome: 'postponed'; readonly evidence: ReuseEvidence };

/**
 * Decides what to answer when the compare-and-set of a rotation matched nothing. Pure, without I/O and clock, so that a
 * decision table and a model test can cover it (RFC 9700 §4.14.2).
 * @param now the database's time, read together with the session
 */
export function decideRotation(
  session: RotationState | null,
  token: PresentedToken,
  now: Date,
  policy: RotationPolicy,
): RotationDecision {
  if (token.hasHungUp) return { outcome: 'dropped' };
  const decision = judge(session, token, now, policy);
  if (decision.outcome !== 'reuse' || !token.isAfterStandstill) return decision;
  return { outcome: 'postponed', evidence: decision.evidence };
}

function judge(
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
  const entry = findEntry(session, hash);
  if (!entry) return decideUnknownSecret(session.generation, token.gen);
  const presentation = { session, token, entry, path: openPath(session, token.secret), now, policy };
  return hasAttempts(presentation) ? decideByAttempt(presentation) : decideWithoutAttempts(presentation);
}

/** The former secret that was presented. */
interface Entry {
  readonly isAbandoned: boolean;
  /** Whether the current secret replaced it. */
  readonly isLast: boolean;
  readonly attempt: string | null;
  /** When it was first replaced, or abandoned. */
  readonly replacedAt: Date;
  readonly displacedAt: Date | null;
}

/** The chain of seals from the presented secret to the current one. */
interface Path {
  readonly secret: string;
  /** Every former secret on the chain, the presented one first. */
  readonly replacements: readonly FormerSecret[];
}

interface Presentation {
  readonly session: RotationState;
  readonly token: PresentedToken;
  readonly entry: Entry;
  /** Null if the seals do not lead to the current secret. */
  readonly path: Path | null;
  readonly now: Date;
  readonly policy: RotationPolicy;
}

function findEntry({ predecessors, abandoned }: RotationState, hash: string): Entry | null {
  const predecessor = predecessors.find((each) => each.hash === hash);
  if (predecessor) {
    const { attempt, rotatedAt, displacedAt } = predecessor;
    const isLast = predecessor === predecessors.at(-1);
    return { isAbandoned: false, isLast, attempt, replacedAt: rotatedAt, displacedAt };
  }
  const lost = abandoned.find((each) => each.hash === hash);
  if (!lost) return null;
  const { attempt, abandonedAt } = lost;
  return { isAbandoned: true, isLast: false, attempt, replacedAt: abandonedAt, displacedAt: null };
}

/** If the store has not reached the generation, or reached it with another secret, it went back in time. */
function decideUnknownSecret(current: number, presented: number): RotationDecision {
  if (presented < current) return { outcome: 'reuse', evidence: 'beyond_memory' };
  return { outcome: 'restored', evidence: presented > current ? 'generation_ahead' : 'secret_differs' };
}

/** Opens seal after seal, from the presented secret to the current one. */
function openPath(session: RotationState, presented: string): Path | null {
  const former: readonly FormerSecret[] = [...session.predecessors, ...session.abandoned];
  const replacements: FormerSecret[] = [];
  let secret = presented;
  let hash = hashSecret(secret);
  while (hash !== session.tokenHash) {
    const next = former.find((each) => each.hash === hash);
    const opened = next && !replacements.includes(next) && openSuccessor(secret, next.sealed, session.id);
    if (!next || !opened) return null;
    replacements.push(next);
    secret = opened;
    hash = hashSecret(secret);
  }
  return { secret, replacements };
}

/**
 * Whether the request, or any replacement from the presented secret to the current one, has an attempt. A thief must not get
 * the rules for clients without attempts by not sending one.
 */
function hasAttempts({ session, token, entry, path }: Presentation): boolean {
  if (token.attempt !== null || entry.attempt !== null) return true;
  const replacements = path?.replacements ?? session.predecessors;
  return replacements.some(({ attempt }) => attempt !== null);
}

function decideByAttempt(presentation: Presentation): RotationDecision {
  const { session, token, entry } = presentation;
  const isSame = (attempt: string | null) => attempt !== null && token.attempt === attempt;
  if (isSame(entry.attempt)) {
    const isAnswer = entry.isLast && (session.confirmedAt === null || isJustReplaced(presentation));
    return isAnswer ? replay(presentation, true) : { outcome: 'superseded' };
  }
  const latest = session.predecessors.at(-1)?.attempt ?? null;
  if (latest !== null && token.previous === latest) return reissue(presentation, 'healed');
  if (isContestable(presentation)) return { outcome: 'contested' };
  // A delayed request made the current generation; then the client's stored token fell back.
  if (isSame(latest)) return reissue(presentation, 'healed');
  if (isAnsweredOnPath(presentation)) return { outcome: 'superseded' };
  const evidence = evidenceAgainstAttempt(presentation);
  return evidence ? { outcome: 'reuse', evidence } : reissue(presentation, 'displaced');
}

/**
 * Whether the attempt replaced the presented secret, or a later one, before: the request was delayed while its client's
 * stored token fell back. A thief cannot know an attempt that was drawn after they copied the token.
 */
function isAnsweredOnPath({ token: { attempt }, path }: Presentation): boolean {
  if (attempt === null || !path) return false;
  return path.replacements.some((each) => each.attempt === attempt || each.formerAttempts?.includes(attempt));
}

/** Why the presenter cannot be a client that lost an answer; null if they can. */
function evidenceAgainstAttempt(presentation: Presentation): ReuseEvidence | null {
  const { session, entry } = presentation;
  if (entry.isAbandoned) return 'abandoned_presented';
  if (!entry.isLast) return 'successor_replaced';
  if (session.confirmedAt) return 'other_attempt';
  if (entry.displacedAt) return 'displaced_twice';
  return isOtherBrowser(presentation) ? 'fingerprint_differs' : null;
}

function decideWithoutAttempts(presentation: Presentation): RotationDecision {
  if (isJustReplaced(presentation)) return replay(presentation, false);
  const evidence = evidenceWithoutAttempt(presentation);
  return evidence ? { outcome: 'reuse', evidence } : reissue(presentation, 'recovered');
}

function evidenceWithoutAttempt(presentation: Presentation): ReuseEvidence | null {
  const { session, entry, policy } = presentation;
  if (entry.isAbandoned) return 'abandoned_presented';
  if (!entry.isLast) return 'successor_replaced';
  if (session.confirmedAt) return 'successor_confirmed';
  if (!isWithin(presentation, entry.replacedAt, policy.lostResponseWindowMs))
    return 'lost_response_window_elapsed';
  return isOtherBrowser(presentation) ? 'fingerprint_differs' : null;
}

/** Within the grace period of the entry's latest replacement. */
function isJustReplaced(presentation: Presentation): boolean {
  const { session, entry, policy } = presentation;
  return (
    isContestable(presentation) ||
    (entry.isLast && isWithin(presentation, session.rotatedAt, policy.gracePeriodMs))
  );
}

/**
 * Within the grace period of the first replacement, or of the only displacement. Nobody can move these times; otherwise a
 * thief who displaces again and again could keep the owner waiting forever.
 */
function isContestable(presentation: Presentation): boolean {
  const { entry, policy } = presentation;
  return (
    isWithin(presentation, entry.replacedAt, policy.gracePeriodMs) ||
    isWithin(presentation, entry.displacedAt, policy.gracePeriodMs)
  );
}

/**
 * A time in the future counts as inside if it is no further away than the length: the clock that wrote it ran a little ahead. A
 * clock that was an hour ahead and is right again must not keep the owner waiting for an hour. A length of 0 has no inside.
 */
function isWithin({ now }: Presentation, since: Date | null, lengthMs: number): boolean {
  return lengthMs > 0 && since !== null && Math.abs(now.getTime() - since.getTime()) <= lengthMs;
}

function isOtherBrowser({ session, token, policy }: Presentation): boolean {
  if (policy.fingerprintMode === 'off' || session.fingerprint === null) return false;
  return compareFingerprints(session.fingerprint, token.fingerprints) === 'different';
}

function replay({ path }: Presentation, isSameAttempt: boolean): RotationDecision {
  return path ? { outcome: 'replay', secret: path.secret, isSameAttempt } : SEAL_BROKEN;
}

function reissue({ path }: Presentation, outcome: Reissue['outcome']): RotationDecision {
  return path ? { outcome, lostSecret: path.secret } : SEAL_BROKEN;
}

/** Seals that do not lead to the current secret mean damaged storage, which is not evidence against the client. */
const SEAL_BROKEN = { outcome: 'restored', evidence: 'seal_broken' } as const satisfies RotationDecision;
