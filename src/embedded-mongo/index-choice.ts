import type { Collection } from './collection.js';
import { requiredConditions } from './conditions.js';
import { type PathConditions, compileFilter, indexableConditions } from './match.js';
import type { KeyRange, OrderedIndex } from './ordered-index.js';
import { type Document, compareValues, identicalValues, isDocument, isNullish, typeRank } from './values.js';

/** Where one component of a key has to lie: negative before, 0 within, positive after, ascending. */
type ComponentRange = (value: unknown) => number;

export interface IndexUse {
  index: OrderedIndex;
  /** The ranges to scan, ascending in the index and disjoint. */
  ranges: KeyRange[];
  /** The number of leading components fixed to one value, after which the order of the index counts. */
  fixed: number;
  score: number;
}

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

const EQUALITY_SCORE = 100;
const IN_SCORE = 60;
const RANGE_SCORE = 30;
const UNIQUE_SCORE = 1000;

function useOf(
  index: OrderedIndex,
  conditions: Map<string, PathConditions>,
  filter: Document,
): IndexUse | undefined {
  const components: ComponentRange[] = [];
  let choices: ComponentRange[] | undefined;
  let score = 0;
  let fixed = 0;
  let provesPresence = false;
  for (const path of index.paths) {
    const condition = conditions.get(path);
    if (!condition) break;
    if ('eq' in condition) {
      components.push(pointAt(condition.eq));
      score += EQUALITY_SCORE;
      fixed++;
      provesPresence ||= !isNullish(condition.eq);
    } else if (condition.in) {
      choices = distinctValues(condition.in).map(pointAt);
      score += IN_SCORE;
      provesPresence ||= !condition.in.some(isNullish);
      break;
    } else {
      components.push(between(condition, index.isMultikey));
      score += RANGE_SCORE;
      provesPresence = true;
      break;
    }
    // Over arrays two components may be met by different elements, which no single key shows.
    if (index.isMultikey) break;
  }
  if (score === 0) return undefined;
  if (index.spec.sparse && !provesPresence) return undefined;
  if (!impliesPartialFilter(index, filter)) return undefined;
  if (index.spec.unique && fixed === index.paths.length) score += UNIQUE_SCORE;
  const tails = choices
    ? sortedFor(index, choices, fixed).map((choice) => [...components, choice])
    : [components];
  return { index, fixed, score, ranges: tails.map((tail) => keyRange(tail, index.directions)) };
}

/** Choices are given ascending; in a descending component they come the other way round. */
function sortedFor(index: OrderedIndex, choices: ComponentRange[], component: number): ComponentRange[] {
  return index.directions[component] === -1 ? [...choices].reverse() : choices;
}

function keyRange(components: ComponentRange[], directions: number[]): KeyRange {
  return (key) => {
    for (let i = 0; i < components.length; i++) {
      const place = components[i]!(key[i]);
      if (place !== 0) return place * directions[i]!;
    }
    return 0;
  };
}

/** Null stands also for what is missing, and for the undefined that an empty array leaves in the index. */
function pointAt(value: unknown): ComponentRange {
  if (!isNullish(value)) return (component) => compareValues(component, value);
  return (component) => (isNullish(component) ? 0 : compareValues(component, null));
}

function distinctValues(values: readonly unknown[]): unknown[] {
  const sorted = values.map((value) => (isNullish(value) ? null : value)).sort(compareValues);
  return sorted.filter((value, i) => i === 0 || compareValues(value, sorted[i - 1]) !== 0);
}

function between({ gt, gte, lt, lte }: PathConditions, singleBound: boolean): ComponentRange {
  const lower = gte ?? gt;
  const upper = lower !== undefined && singleBound ? undefined : (lte ?? lt);
  const rank = typeRank(lower ?? upper);
  return (component) => {
    const type = typeRank(component) - rank;
    if (type !== 0) return type;
    // The bounds themselves are taken in; the filter, applied to every candidate, decides about them.
    if (lower !== undefined && compareValues(component, lower) < 0) return -1;
    if (upper !== undefined && compareValues(component, upper) > 0) return 1;
    return 0;
  };
}

/** Whether whatever matches the filter also matches the index's own filter; in doubt, no. */
export function impliesPartialFilter(index: OrderedIndex, filter: Document): boolean {
  const partial = index.spec.partialFilterExpression;
  if (!partial) return true;
  const given = [...requiredConditions(filter)];
  for (const wanted of requiredConditions(partial)) {
    const implied = given.some(({ path, operator, operand }) => {
      if (path !== wanted.path) return false;
      if (operator === wanted.operator && identicalValues(operand, wanted.operand)) return true;
      if (operator !== '$eq' || isNullish(operand) || Array.isArray(operand) || isDocument(operand))
        return false;
      return compileFilter({ value: { [wanted.operator]: wanted.operand } })({ value: operand });
    });
    if (!implied) return false;
  }
  return true;
}
