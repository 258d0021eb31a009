import type { Collection } from './collection.js';
import { chooseIndex, type IndexUse } from './index-choice.js';
import { compileFilter, type Predicate } from './match.js';
import { parseSort, sortBy, type SortPattern } from './sort.js';
import type { StoredRecord } from './stored-record.js';
import type { Document } from './values.js';

interface Query {
  filter: Document;
  sort?: Document;
  /** 0 or undefined means no limit. */
  limit?: number;
}

/** The records a query finds, in its order. */
export function findRecords(collection: Collection | undefined, query: Query): StoredRecord[] {
  const matches = compileFilter(query.filter);
  const sort = query.sort && Object.keys(query.sort).length > 0 ? parseSort(query.sort) : undefined;
  if (!collection) return [];
  const use = chooseIndex(collection, query.filter);
  const order = sort && orderFromIndex(collection, use, sort);
  const limit = query.limit ? query.limit : Infinity;
  if (sort && !order) {
    const found = collect(candidates(collection, use, false), matches, Infinity);
    return sortBy(found, ({ doc }) => doc, sort).slice(0, limit);
  }
  return collect(candidates(collection, order ? order.use : use, order?.backwards ?? false), matches, limit);
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
