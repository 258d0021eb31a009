import type { Collection, StoredRecord } from './collection.js';
import { requiredConditions } from './conditions.js';
import { type PathConditions, type Predicate, compileFilter, indexableConditions } from './match.js';
import type { KeyRange, OrderedIndex } from './ordered-index.js';
import { sortDocuments } from './sort.js';
import { type Document, compareValues, identicalValues, isDocument, isNullish, typeRank } from './values.js';

/** Where one component of a key has to lie: negative before, 0 within, positive after, ascending. */
type ComponentRange = (value: unknown) => number;

interface IndexUse {
  index: OrderedIndex;
  /** The ranges to scan, ascending in the index and disjoint. */
  ranges: KeyRange[];
  /** The number of leading components fixed to one value, after which the order of the index counts. */
  fixed: number;
  score: number;
}

export interface Query {
  filter: Document;
  sort?: Document;
  skip?: number;
  /** 0 or undefined means no limit. */
  limit?: number;
}

/** The records a query finds, in its order. */
export function findRecords(collection: Collection | undefined, query: Query): StoredRecord[] {
  const matches = compileFilter(query.filter);
  const sort = query.sort && Object.keys(query.sort).length > 0 ? query.sort : undefined;
  // Also checks the specification, as the index would not.
  if (sort) sortDocuments([], sort);
  if (!collection) return [];
  const use = chooseIndex(collection, query.filter);
  const order = sort && orderFromIndex(collection, use, sort);
  const skip = query.skip ?? 0;
  const limit = query.limit ? skip + query.limit : Infinity;
  if (sort && !order) {
    const found = collect(candidates(collection, use, false), matches, Infinity);
    return sortRecords(found, sort).slice(skip, limit);
  }
  const source = candidates(collection, order ? order.use : use, order?.backwards ?? false);
  return collect(source, matches, limit).slice(skip);
}

function collect(source: Iterable<StoredRecord>, matches: Predicate, limit: number): StoredRecord[] {
  const found: StoredRecord[] = [];
  for (const record of source) {
    if (!matches(record.doc)) continue;
    found.push(record);
    if (found.length >= limit) break;
  }
  return found;
}

function sortRecords(records: StoredRecord[], sort: Document): StoredRecord[] {
  const recordOf = new Map(records.map((record) => [record.doc, record]));
  return sortDocuments(
    records.map((record) => record.doc),
    sort,
  ).map((doc) => recordOf.get(doc)!);
}

function candidates(
  collection: Collection,
  use: IndexUse | undefined,
  backwards: boolean,
): Iterable<StoredRecord> {
  if (!use) return collection.records.values();
  const scans = scanAll(use, backwards);
  return use.index.isMultikey ? distinct(scans) : scans;
}

function* scanAll({ index, ranges }: IndexUse, backwards: boolean): Generator<StoredRecord> {
  for (const range of backwards ? [...ranges].reverse() : ranges) yield* index.scan(range, backwards);
}

/** A document with an array lies in an index several times, and is found once. */
function* distinct(records: Iterable<StoredRecord>): Generator<StoredRecord> {
  const seen = new Set<number>();
  for (const record of records) {
    if (seen.has(record.id)) continue;
    seen.add(record.id);
    yield record;
  }
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

interface IndexOrder {
  use: IndexUse;
  backwards: boolean;
}

/** Whether an index delivers the wanted order by itself: the chosen one, or where none was, any complete one. */
function orderFromIndex(
  collection: Collection,
  use: IndexUse | undefined,
  sort: Document,
): IndexOrder | undefined {
  if (use) return use.ranges.length === 1 ? ordered(use, sort) : undefined;
  for (const index of collection.indexes) {
    if (!index.isComplete) continue;
    const order = ordered({ index, fixed: 0, score: 0, ranges: [() => 0] }, sort);
    if (order) return order;
  }
  return undefined;
}

function ordered(use: IndexUse, sort: Document): IndexOrder | undefined {
  const { index, fixed } = use;
  if (index.isMultikey) return undefined;
  let turn: number | undefined;
  let component = fixed;
  for (const path of Object.keys(sort)) {
    if (index.paths.indexOf(path) >= 0 && index.paths.indexOf(path) < fixed) continue;
    if (index.paths[component] !== path) return undefined;
    const direction = compareValues(sort[path], 0) < 0 ? -1 : 1;
    const relative = direction * index.directions[component++]!;
    if (turn !== undefined && turn !== relative) return undefined;
    turn = relative;
  }
  return { use, backwards: turn === -1 };
}
