import {
  type AbandonedSecret,
  MAX_ABANDONED,
  MAX_FORMER_ATTEMPTS,
  MAX_PREDECESSORS,
  type Predecessor,
  type Reissue,
  type RotationState,
} from './rotation.js';
import { hashSecret, sealSuccessor } from './successor-seal.js';

/** The input of {@link reissue}. */
export interface ReissueInput {
  readonly session: Pick<RotationState, 'id' | 'generation' | 'tokenHash' | 'predecessors' | 'abandoned'>;
  readonly decision: Reissue;
  readonly presentedSecret: string;
  /** Generation of the presented token. */
  readonly presentedGen: number;
  readonly nextSecret: string;
  /** Nonces for {@link sealSuccessor}: one for the presented secret, one for the lost one. */
  readonly nonces: readonly [Uint8Array, Uint8Array];
  /** Hash of the request's attempt. */
  readonly attempt: string | null;
  readonly now: Date;
}

/** The former secrets of a session after a reissue. */
export interface FormerSecrets {
  readonly predecessors: readonly Predecessor[];
  readonly abandoned: readonly AbandonedSecret[];
}

/**
 * The former secrets after a new secret replaced the current one, which is abandoned. The presented secret keeps its place and
 * its first replacement time, however many answers are lost in a row; everything after it is abandoned. Both the presented
 * secret and the lost one are sealed to the new one.
 */
export function reissue(input: ReissueInput): FormerSecrets {
  const { session, decision, presentedSecret, nextSecret, nonces, attempt, now } = input;
  const hash = hashSecret(presentedSecret);
  const lost: AbandonedSecret = {
    hash: session.tokenHash,
    gen: session.generation,
    sealed: sealSuccessor(decision.lostSecret, nextSecret, session.id, nonces[1]),
    attempt,
    abandonedAt: now,
  };
  const sealed = sealSuccessor(presentedSecret, nextSecret, session.id, nonces[0]);
  const index = session.predecessors.findIndex((each) => each.hash === hash);
  const entry = session.predecessors[index];
  if (!entry) return afterAbandoned(input, hash, sealed, lost);
  const displacedAt = decision.outcome === 'recovered' ? entry.displacedAt : (entry.displacedAt ?? now);
  const later = session.predecessors.slice(index + 1).map((each) => abandon(each, now));
  const again: Predecessor = { ...entry, sealed, attempt, displacedAt, ...formerAttempts(decision, entry) };
  return {
    predecessors: [...session.predecessors.slice(0, index), again],
    abandoned: latest([...session.abandoned, ...later, lost]),
  };
}

/** The client holds an abandoned secret, whose answer arrived late: it counts as a predecessor from now on. */
function afterAbandoned(
  { session, decision, presentedGen: gen, attempt, now }: ReissueInput,
  hash: string,
  sealed: string,
  lost: AbandonedSecret,
): FormerSecrets {
  const before = session.abandoned.find((each) => each.hash === hash);
  const rotatedAt = before?.abandonedAt ?? now;
  // Marked as displaced already: a second holder of this secret is not its owner.
  const replaced = { hash, gen, sealed, attempt, rotatedAt, displacedAt: now };
  const entry: Predecessor = before ? { ...replaced, ...formerAttempts(decision, before) } : replaced;
  return {
    predecessors: [...session.predecessors, entry].slice(-MAX_PREDECESSORS),
    abandoned: latest([...session.abandoned.filter((each) => each.hash !== hash), lost]),
  };
}

/**
 * Forgets the lowest generations, not those that were abandoned first. A client whose stored token fell back holds one of the
 * latest, and every seal leads from it to a later one.
 */
function latest(abandoned: readonly AbandonedSecret[]): AbandonedSecret[] {
  return abandoned.toSorted((a, b) => a.gen - b.gen).slice(-MAX_ABANDONED);
}

/** The attempts of a client whose stored token fell back; empty for a holder whose generation was taken back. */
function formerAttempts(
  { outcome }: Reissue,
  { attempt, formerAttempts = [] }: Predecessor | AbandonedSecret,
): Pick<Predecessor, 'formerAttempts'> {
  if (outcome !== 'healed' || attempt === null) return {};
  return { formerAttempts: [...formerAttempts, attempt].slice(-MAX_FORMER_ATTEMPTS) };
}

function abandon(
  { rotatedAt: _rotatedAt, displacedAt: _displacedAt, ...former }: Predecessor,
  abandonedAt: Date,
): AbandonedSecret {
  return { ...former, abandonedAt };
}
