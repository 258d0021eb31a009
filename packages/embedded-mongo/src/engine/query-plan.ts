import type { Collection } from './collection.js';
import { chooseIndex, type IndexUse } from './index-choice.js';
import { compileFilter, type Predicate } from './match.js';
import { parseSort, sortBy, type SortPattern } from './sort.js';
import type { StoredRecord } from './stored-record.js';
import type { Document } from './values.js';

export interface Query {
  filter: Document;
  sort?: Document;
  /** 0 or undefined means no limit. */
  limit?: number;
}

export interface QueryResult {
  /** In the order of the query. */
  records: StoredRecord[];
  /** How many documents the filter was applied to. */
  docsExamined: number;
  /** Null: every document of the collection was a candidate. */
  indexName: string | null;
}

/** The records a query finds, in its order. */
export function findRecords(collection: Collection | undefined, query: Query): StoredRecord[] {
  return runQuery(collection, query).records;
}

export function runQuery(collection: Collection | undefined, query: Query): QueryResult {
  const matches = compileFilter(query.filter);
  const sort = query.sort && Object.keys(query.sort).length > 0 ? parseSort(query.sort) : undefined;
  if (!collection) return { records: [], docsExamined: 0, indexName: null };
  const chosen = chooseIndex(collection, query.filter);
  const order = sort && orderFromIndex(collection, chosen, sort);
  const limit = query.limit ? query.limit : Infinity;
  const use = order ? order.use : chosen;
  const source = candidates(collection, use, order?.backwards ?? false);
  const indexName = use?.index.spec.name ?? null;
  if (!sort || order) return { ...collect(source, matches, limit), indexName };
  const { records, docsExamined } = collect(source, matches, Infinity);
  return { records: sortBy(records, ({ doc }) => doc, sort).slice(0, limit), docsExamined, indexName };
}

function collect(
  source: Iterable<StoredRecord>,
  matches: Predicate,
  limit: number,
): Omit<QueryResult, 'indexName'> {
  const records: StoredRecord[] = [];
  let docsExamined = 0;
  for (const record of source) {
    docsExamined += 1;
    if (!matches(record.doc)) continue;
    records.push(record);
    if (records.length >= limit) break;
  }
  return { records, docsExamined };
}

function candidates(
  collection: Collection,
  use: IndexUse | undefined,
  backwards: boolean,
): Iterable<StoredRecord> {
  return use ? scanAll(use, backwards) : collection.records.values();
}

function* scanAll({ index, ranges }: IndexUse, backwards: boolean): Generator<StoredRecord> {
  for (const range of backwards ? [...ranges].reverse() : ranges) yield* index.scan(range, backwards);
}

interface IndexOrder {
  use: IndexUse;
  backwards: boolean;
}

/** The chosen index if it delivers the wanted order; if none is chosen, any complete index that does. */
function orderFromIndex(
  collection: Collection,
  use: IndexUse | undefined,
  sort: SortPattern,
): IndexOrder | undefined {
  if (use) return use.ranges.length === 1 ? ordered(use, sort) : undefined;
  for (const index of collection.indexes) {
    if (!index.isComplete) continue;
    const order = ordered({ index, fixed: 0, score: 0, ranges: [() => 0] }, sort);
    if (order) return order;
  }
  return undefined;
}

function ordered(use: IndexUse, { paths, directions }: SortPattern): IndexOrder | undefined {
  const { index, fixed } = use;
  let turn: number | undefined;
  let component = fixed;
  for (const [i, path] of paths.entries()) {
    const at = index.paths.indexOf(path);
    if (at >= 0 && at < fixed) continue;
    if (at !== component) return undefined;
    const relative = directions[i] === index.directions[component] ? 1 : -1;
    if (turn !== undefined && turn !== relative) return undefined;
    turn = relative;
    component += 1;
  }
  return { use, backwards: turn === -1 };
}
