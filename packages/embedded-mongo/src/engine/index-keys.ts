import { notImplemented } from './errors.js';
import { compareValues, type Document, getField, isDocument, MISSING } from './values.js';

/** The key of a document in an index or a sort: one value for each path, null if there is none. */
export type Key = readonly unknown[];

/** Refuses arrays: MongoDB sorts by one of their elements and indexes all of them. */
export function keyOf(doc: Document, paths: readonly (readonly string[])[]): Key {
  return paths.map((parts) => {
    const value = parts.reduce<unknown>(fieldOf, doc);
    if (Array.isArray(value)) throw overArray();
    return value === MISSING ? null : value;
  });
}

function fieldOf(container: unknown, name: string): unknown {
  if (Array.isArray(container)) throw overArray();
  return isDocument(container) ? getField(container, name) : MISSING;
}

function overArray() {
  return notImplemented('An index or a sort over an array');
}

/** Comparing a value with itself visits all of it, and throws wherever comparing it with another value may throw. */
export function assertComparable(key: Key): void {
  for (const value of key) compareValues(value, value);
}

export function compareKeys(a: Key, b: Key, directions: readonly number[]): number {
  for (let i = 0; i < directions.length; i += 1) {
    const order = compareValues(a[i], b[i]);
    if (order !== 0) return directions[i] === -1 ? -order : order;
  }
  return 0;
}
