import { compareFingerprints } from './fingerprint.js';
import type { RestoredEvidence, ReuseEvidence, RevocationReason } from './reasons.js';
import { hashSecret, openSuccessor } from './successor-seal.js';

export type { RestoredEvidence, ReuseEvidence, RevocationReason };

/** How many replaced secrets a session remembers. */
export const MAX_PREDECESSORS = 4;
/** How many abandoned secrets a session remembers. */
export const MAX_ABANDONED = 4;
/** How many attempts a secret remembers, beside the one that replaced it last. */
export const MAX_FORMER_ATTEMPTS = 3;
/** How many recent uses a session remembers. */
export const MAX_RECENT_USES = 5;

/** A secret that is no longer the current one. */
interface FormerSecret {
  /** SHA-256 of the secret. */
  readonly hash: string;
  /** The secret that took its place, sealed under this one. */
  readonly sealed: string;
  /** Hash of the attempt that replaced it; null where the client sent none. */
  readonly attempt: string | null;
  /**
   * Hashes of the attempts that replaced it before its holder's stored token fell back to it; missing where it never did.
   * A request that waited may still come with one of them.
   */
  readonly formerAttempts?: readonly string[];
}

/** A secret that was replaced by its own holder. */
export interface Predecessor extends FormerSecret {
  /** When it was replaced for the first time. */
  readonly rotatedAt: Date;
  /** When a generation was first taken back in its favour; from then on, no other holder's is. */
  readonly displacedAt: Date | null;
}

/** A secret that was current, and whose answer no honest client holds. */
export interface AbandonedSecret extends FormerSecret {
  readonly abandonedAt: Date;
}

/** What the decision reads of a session. */
export interface RotationState {
  readonly id: string;
  readonly generation: number;
  readonly tokenHash: string;
  /** Oldest first. */
  readonly predecessors: readonly Predecessor[];
  /** Oldest first. */
  readonly abandoned: readonly AbandonedSecret[];
  /** When the current generation was made, which is also the latest replacement of the last predecessor. */
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
  /** Hash of the request's attempt; null without one. */
  readonly attempt: string | null;
  /** Hash of the attempt before it, which made the generation that the client knows; null without one. */
  readonly previous: string | null;
  /** The client has closed the connection: nobody waits for the answer. */
  readonly hasHungUp: boolean;
  /** This process stood still just now: the request may be old, and its client may have gone on elsewhere. */
  readonly isAfterStandstill: boolean;
}

export interface RotationPolicy {
  readonly gracePeriodMs: number;
  /** 0 turns the recovery of lost responses off. */
  readonly lostResponseWindowMs: number;
  readonly fingerprintMode: 'off' | 'report' | 'enforce';
}

/** A decision after which the session gets a new secret, in place of one that the presenter does not hold. */
export type Reissue = {
  readonly outcome: 'healed' | 'displaced' | 'recovered';
  /** The current secret, which is abandoned. */
  readonly lostSecret: string;
};

export type RotationDecision =
  /** Nobody waits for the answer: neither rotated nor judged. */
  | { readonly outcome: 'dropped' }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'revoked'; readonly reason: RevocationReason | null }
  | { readonly outcome: 'expired' }
  /** The secret is current after all: the compare-and-set met another write; run it again. */
  | { readonly outcome: 'retry' }
  /** `isSameAttempt`: the attempt proves that the client asks again; else only the time speaks for it. */
  | { readonly outcome: 'replay'; readonly secret: string; readonly isSameAttempt: boolean }
  /** The attempt was answered long ago: not an accusation, and of no use to anybody. */
  | { readonly outcome: 'superseded' }
  /** Another attempt replaced the same token within the grace period: two tabs that share no record, or two holders. */
  | { readonly outcome: 'contested' }
  | Reissue
  | { readonly outcome: 'restored'; readonly evidence: RestoredEvidence }
  | { readonly outcome: 'reuse'; readonly evidence: ReuseEvidence }
  /** It would be reuse, but the verdict could be wrong: asked again, the same request is judged. */
  | { readonly outcome: 'postponed'; readonly evidence: ReuseEvidence };

/**
 * What to answer when the compare-and-set of a rotation found nothing. Pure: no I/O and no clock, so that a decision
 * table and a model test can hold it (RFC 9700 §4.14.2).
 * @param now the database's time, read beside the session
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
  /** Whether it is the one that the current secret replaced. */
  readonly isLast: boolean;
  readonly attempt: string | null;
  /** When it was first replaced, or abandoned. */
  readonly replacedAt: Date;
  readonly displacedAt: Date | null;
}

/** The way from the presented secret to the current one. */
interface Path {
  readonly secret: string;
  /** Every former secret on it, the presented one first. */
  readonly replacements: readonly FormerSecret[];
}

interface Presentation {
  readonly session: RotationState;
  readonly token: PresentedToken;
  readonly entry: Entry;
  /** Null where the seals do not lead to the current secret. */
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

/** A generation the store has not reached yet, or reached with another secret, is a store that went back in time. */
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
 * Whether the request, or any replacement from the presented secret on to the current one, has an attempt: a thief who
 * sends none must not be judged by the rules of clients that have none.
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
  // A request that waited has made the current generation, then the client's stored token fell back.
  if (isSame(latest)) return reissue(presentation, 'healed');
  if (isAnsweredOnPath(presentation)) return { outcome: 'superseded' };
  const evidence = evidenceAgainstAttempt(presentation);
  return evidence ? { outcome: 'reuse', evidence } : reissue(presentation, 'displaced');
}

/**
 * Whether the attempt replaced the presented secret before, or one after it: the request waited while its client's stored
 * token fell back. Nobody else can know an attempt that was drawn after they had copied the token.
 */
function isAnsweredOnPath({ token: { attempt }, path }: Presentation): boolean {
  if (attempt === null || !path) return false;
  return path.replacements.some((each) => each.attempt === attempt || each.formerAttempts?.includes(attempt));
}

/** Why the presenter cannot be one who lost an answer; null where they can. */
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
 * Within the grace period of the first replacement, or of the one displacement: times that nobody can move, or else who
 * displaces again and again could keep the owner waiting for ever.
 */
function isContestable(presentation: Presentation): boolean {
  const { entry, policy } = presentation;
  return (
    isWithin(presentation, entry.replacedAt, policy.gracePeriodMs) ||
    isWithin(presentation, entry.displacedAt, policy.gracePeriodMs)
  );
}

/**
 * A negative age (the clock of the process that wrote it ran ahead) counts as inside. A length of 0 has no inside, whatever
 * the clocks say.
 */
function isWithin({ now }: Presentation, since: Date | null, lengthMs: number): boolean {
  return lengthMs > 0 && since !== null && now.getTime() - since.getTime() <= lengthMs;
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

/** Seals that do not lead to the current secret are damaged storage, which is no evidence against the client. */
const SEAL_BROKEN = { outcome: 'restored', evidence: 'seal_broken' } as const satisfies RotationDecision;
