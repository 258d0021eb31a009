import type { Collection } from './collection.js';
import {
  type Condition,
  indexableConditions,
  type PathConditions,
  requiredConditions,
} from './conditions.js';
import { compileFilter } from './match.js';
import type { KeyRange, OrderedIndex } from './ordered-index.js';
import { compareValues, type Document, identicalValues, isDocument, isNullish, typeRank } from './values.js';

/** The range of one component of a key: negative before, 0 within, positive after, ascending. */
type ComponentRange = (value: unknown) => number;

export interface IndexUse {
  index: OrderedIndex;
  /** The ranges to scan, ascending in the index and disjoint. */
  ranges: KeyRange[];
  /** The number of leading components fixed to one value. The index orders the results by the components after them. */
  fixed: number;
  score: number;
}

const EQUALITY_SCORE = 100;
const IN_SCORE = 60;
const RANGE_SCORE = 30;
const UNIQUE_SCORE = 1000;

export function chooseIndex(collection: Collection, filter: Document): IndexUse | undefined {
  const conditions = indexableConditions(filter);
  if (conditions.size === 0) return undefined;
  let best: IndexUse | undefined;
  for (const index of collection.indexes) {
    const use = useOf(index, conditions, filter);
    if (use && (!best || use.score > best.score)) best = use;
  }
  return best;
}

function useOf(
  index: OrderedIndex,
  conditions: Map<string, PathConditions>,
  filter: Document,
): IndexUse | undefined {
  // An index helps only with a condition on its first path.
  if (!conditions.has(index.paths[0] ?? '')) return undefined;
  const fixed = index.paths.findIndex((path) => !('eq' in (conditions.get(path) ?? {})));
  const isWhole = fixed < 0;
  const equalities = isWhole ? index.paths : index.paths.slice(0, fixed);
  const components = equalities.map((path) => pointAt(conditions.get(path)?.eq));
  const next = isWhole ? undefined : conditions.get(index.paths[fixed] ?? '');
  const score = components.length * EQUALITY_SCORE + scoreOf(next);
  if (!impliesPartialFilter(index, filter)) return undefined;
  return {
    index,
    fixed: components.length,
    score: index.spec.unique && isWhole ? score + UNIQUE_SCORE : score,
    ranges: tailsOf(next, index.directions[fixed]).map((tail) =>
      keyRange([...components, ...tail], index.directions),
    ),
  };
}

function scoreOf(condition: PathConditions | undefined): number {
  if (!condition) return 0;
  return condition.in ? IN_SCORE : RANGE_SCORE;
}

/** The ranges for the component after the fixed ones: none, one, or one for each value of an `$in`, in index order. */
function tailsOf(condition: PathConditions | undefined, direction: number | undefined): ComponentRange[][] {
  if (!condition) return [[]];
  if (!condition.in) return [[between(condition)]];
  const points = distinctValues(condition.in).map((value) => [pointAt(value)]);
  return direction === -1 ? points.reverse() : points;
}

function keyRange(components: readonly ComponentRange[], directions: readonly number[]): KeyRange {
  return (key) => {
    for (let i = 0; i < components.length; i += 1) {
      const place = components[i]?.(key[i]) ?? 0;
      if (place !== 0) return directions[i] === -1 ? -place : place;
    }
    return 0;
  };
}

/** Null also stands for BSON's old undefined. */
function pointAt(value: unknown): ComponentRange {
  if (!isNullish(value)) return (component) => compareValues(component, value);
  return (component) => (isNullish(component) ? 0 : compareValues(component, null));
}

function distinctValues(values: readonly unknown[]): unknown[] {
  const sorted = values.map((value) => (isNullish(value) ? null : value)).sort(compareValues);
  return sorted.filter((value, i) => i === 0 || compareValues(value, sorted[i - 1]) !== 0);
}

/** Includes the bounds themselves: the filter is applied to every candidate and decides. */
function between({ gt, gte, lt, lte }: PathConditions): ComponentRange {
  const lower = gte ?? gt;
  const upper = lte ?? lt;
  const rank = typeRank(lower ?? upper);
  return (component) => {
    const type = typeRank(component) - rank;
    if (type !== 0) return type;
    if (lower !== undefined && compareValues(component, lower) < 0) return -1;
    if (upper !== undefined && compareValues(component, upper) > 0) return 1;
    return 0;
  };
}

/** Whether every document that matches the filter also matches the filter of a partial index; in doubt, no. */
function impliesPartialFilter(index: OrderedIndex, filter: Document): boolean {
  const partial = index.spec.partialFilterExpression;
  if (!partial) return true;
  const given = [...requiredConditions(filter)];
  return [...requiredConditions(partial)].every((wanted) =>
    given.some((condition) => implies(condition, wanted)),
  );
}

function implies({ path, operator, operand }: Condition, wanted: Condition): boolean {
  if (path !== wanted.path) return false;
  if (operator === wanted.operator && identicalValues(operand, wanted.operand)) return true;
  if (operator !== '$eq' || isNullish(operand) || Array.isArray(operand) || isDocument(operand)) return false;
  return compileFilter({ value: { [wanted.operator]: wanted.operand } })({ value: operand });
}
