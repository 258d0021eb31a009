import { documentKeys } from './document-keys.js';
import { notImplemented } from './errors.js';
import { type Document, MISSING, compareValues, getField, isDocument } from './values.js';

export interface IndexKeys {
  keys: unknown[][];
  /** An array lies on one of the paths: then the keys say less about the document than without. */
  multikey: boolean;
  /** None of the fields is there, which keeps the document out of a sparse index. */
  absent: boolean;
}

/** What an index over these paths holds of a document; throws for values that have no place in an order. */
export function indexKeys(doc: Document, paths: readonly string[][]): IndexKeys {
  const key: unknown[] = [];
  let absent = true;
  for (const parts of paths) {
    const value = plainValue(doc, parts);
    if (Array.isArray(value)) return multikeyKeys(doc, paths);
    if (value !== MISSING) absent = false;
    key.push(value === MISSING ? null : value);
  }
  assertComparable(key);
  return { keys: [key], multikey: false, absent };
}

/** The value at a path, or the first array on the way to it. */
function plainValue(doc: Document, parts: string[]): unknown {
  let value: unknown = doc;
  for (const part of parts) {
    if (!isDocument(value)) return Array.isArray(value) ? value : MISSING;
    value = getField(value, part);
  }
  return value;
}

function multikeyKeys(doc: Document, paths: readonly string[][]): IndexKeys {
  const keys = documentKeys(doc, paths);
  keys.forEach(assertComparable);
  return { keys: withoutDuplicates(keys), multikey: true, absent: false };
}

/** Comparing a value with itself visits all of it, and throws wherever comparing with another might. */
function assertComparable(key: unknown[]): void {
  for (const value of key) compareValues(value, value);
}

function withoutDuplicates(keys: unknown[][]): unknown[][] {
  const sorted = [...keys].sort(compareKeys);
  return sorted.filter((key, i) => i === 0 || compareKeys(key, sorted[i - 1]!) !== 0);
}

export function compareKeys(a: readonly unknown[], b: readonly unknown[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareValues(a[i], b[i]);
    if (order !== 0) return order;
  }
  return 0;
}

/**
 * Which elements of an array a sparse index leaves out cannot be told from the keys alone; only
 * documents without any such field are left out here, and the doubtful ones are refused.
 */
export function assertSparseIsPlain({ keys, multikey }: IndexKeys): void {
  if (multikey && keys.some((key) => key.every((value) => value === null))) {
    throw notImplemented('A sparse index over an array with elements that lack the field');
  }
}
