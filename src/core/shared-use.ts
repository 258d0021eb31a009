import { hash } from 'node:crypto';
import type { ActivityUse } from './anomaly.js';
import { CLIENT_NETWORK, networkOf } from './network.js';

/** Generations that were served to two networks, one after the other. */
export interface SharedUse {
  /** The latest of them. */
  readonly generation: number;
  /** The two networks, shortened: it is compared, and never shown. */
  readonly pair: string;
  /** How many in a row, for these two networks. */
  readonly generations: number;
}

const PAIR_LENGTH = 8;

/**
 * The count after a generation was served to `use`, though `madeBy` had made it.
 * @param before of the session so far
 * @param generation the one that was made by `madeBy`
 * @returns `before` where both are of one network, or the generation is counted already
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
