import { MongoServerFault, notImplemented } from './errors.js';
import { parseFieldPath } from './field-path.js';
import { compareKeys, keyOf } from './index-keys.js';
import { wholeNumber } from './numbers.js';
import { type Document, isDocument, isNumber } from './values.js';

export interface SortPattern {
  readonly paths: readonly string[];
  readonly parts: readonly (readonly string[])[];
  readonly directions: readonly (1 | -1)[];
}

/** Checks a sort before the first document is read. */
export function parseSort(spec: Document): SortPattern {
  const paths = Object.keys(spec);
  return {
    paths,
    parts: paths.map((path) => {
      if (path.startsWith('$')) throw notImplemented(`Sorting by ${path}`);
      return parseFieldPath(path);
    }),
    directions: paths.map((path) => parseDirection(spec[path])),
  };
}

function parseDirection(direction: unknown): 1 | -1 {
  if (isDocument(direction)) throw notImplemented('Sorting by an expression');
  if (!isNumber(direction)) throw new MongoServerFault(15974, 'Illegal key in $sort specification');
  const number = wholeNumber(direction);
  if (number === 1 || number === -1) return number;
  throw new MongoServerFault(15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)');
}

export function sortDocuments(docs: readonly Document[], pattern: SortPattern): Document[] {
  return sortBy(docs, (doc) => doc, pattern);
}

/** A sorted copy; the key of each document is computed once. */
export function sortBy<T>(
  items: readonly T[],
  docOf: (item: T) => Document,
  { parts, directions }: SortPattern,
): T[] {
  return items
    .map((item) => ({ item, key: keyOf(docOf(item), parts) }))
    .sort((a, b) => compareKeys(a.key, b.key, directions))
    .map(({ item }) => item);
}
