import { PARALLEL_ARRAYS, documentKeys } from './document-keys.js';
import { MongoServerFault, badValue, notImplemented } from './errors.js';
import { parseFieldPath } from './field-path.js';
import { wholeNumber } from './numbers.js';
import { type Document, compareValues, isDocument, isNumber } from './values.js';

export type Comparator = (a: Document, b: Document) => number;

interface SortPattern {
  paths: string[][];
  directions: (1 | -1)[];
}

/** Orders documents by a sort specification; the key of each document is worked out once. */
export function compileSort(spec: Document): Comparator {
  const keyOf = sortKeyOf(parseSort(spec));
  return (a, b) => keyOf.compare(keyOf.get(a), keyOf.get(b));
}

/** A sorted copy. Every key is worked out even for a lone document, which may be faulty by itself. */
export function sortDocuments(docs: readonly Document[], spec: Document): Document[] {
  const { get, compare } = sortKeyOf(parseSort(spec));
  return docs
    .map((doc) => ({ doc, key: get(doc) }))
    .sort((a, b) => compare(a.key, b.key))
    .map(({ doc }) => doc);
}

function parseSort(spec: Document): SortPattern {
  const pattern: SortPattern = { paths: [], directions: [] };
  for (const path of Object.keys(spec)) {
    const direction: unknown = spec[path];
    if (path === '$natural' || isDocument(direction))
      throw notImplemented(`Sorting by ${path}: an expression`);
    pattern.paths.push(parseFieldPath(path));
    pattern.directions.push(parseDirection(direction));
  }
  return pattern;
}

function parseDirection(direction: unknown): 1 | -1 {
  if (!isNumber(direction)) throw new MongoServerFault(15974, 'Illegal key in $sort specification');
  const number = wholeNumber(direction);
  if (number === 1 || number === -1) return number;
  throw new MongoServerFault(15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)');
}

function sortKeyOf({ paths, directions }: SortPattern) {
  const known = new WeakMap<Document, unknown[]>();
  const compare = (a: unknown[], b: unknown[]): number => {
    for (const [i, direction] of directions.entries()) {
      const order = compareValues(a[i], b[i]);
      if (order !== 0) return direction * order;
    }
    return 0;
  };
  const get = (doc: Document): unknown[] => {
    let key = known.get(doc);
    if (!key) known.set(doc, (key = firstKey(doc, paths, compare)));
    return key;
  };
  return { get, compare };
}

/** Of the keys an array gives, the one that comes first in this very order: the least, or descending the greatest. */
function firstKey(
  doc: Document,
  paths: string[][],
  compare: (a: unknown[], b: unknown[]) => number,
): unknown[] {
  try {
    return documentKeys(doc, paths).reduce((first, key) => (compare(key, first) < 0 ? key : first));
  } catch (error) {
    if (error instanceof MongoServerFault && error.code === PARALLEL_ARRAYS)
      throw badValue('cannot sort with keys that are parallel arrays');
    throw error;
  }
}
