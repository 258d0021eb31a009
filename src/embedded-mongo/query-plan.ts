import type { Collection } from './collection.js';
import { type IndexUse, chooseIndex } from './index-choice.js';
import { type Predicate, compileFilter } from './match.js';
import { sortDocuments } from './sort.js';
import type { StoredRecord } from './stored-record.js';
import { type Document, compareValues } from './values.js';

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
