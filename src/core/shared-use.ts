import { hash } from 'node:crypto';
import type { ActivityUse } from './anomaly.js';
import { CLIENT_NETWORK, networkOf } from './network.js';

/** Consecutive generations that were served to two networks. */
export interface SharedUse {
  /** The latest one that was counted. */
  readonly generation: number;
  /** Short hash of the two networks: it is only compared, never shown. */
  readonly pair: string;
  /** How many in a row, for these two networks. */
  readonly generations: number;
}

const PAIR_LENGTH = 8;

/**
 * The count after `generation`, which `madeBy` made, was also served to `use`.
 * @param before the session's count so far
 * @returns `before` if both are in one network or the generation is already counted
 */
export function countSharedUse(
  before: SharedUse | null,
  generation: number,
  madeBy: ActivityUse | null,
  use: ActivityUse,
): SharedUse | null {
  const [here, there] = [use, madeBy].map((each) => each && networkOf(each.ip, CLIENT_NETWORK));
  if (!here || !there || here === there) return before;
  const pair = hash('sha256', [here, there].sort().join(' '), 'base64url').slice(0, PAIR_LENGTH);
  const isSamePair = before?.pair === pair;
  if (isSamePair && before.generation === generation) return before;
  const isNext = isSamePair && before.generation === generation - 1;
  return { generation, pair, generations: isNext ? before.generations + 1 : 1 };
}
