import { ChunkedList } from './chunked-list.js';
import { describeDocument } from './describe-value.js';
import { duplicateKey } from './errors.js';
import { assertComparable, compareKeys, type Key, keyOf } from './index-keys.js';
import type { IndexSpec } from './index-spec.js';
import { compileFilter, type Predicate } from './match.js';
import type { StoredRecord } from './stored-record.js';
import { compareValues, type Document, setField, splitPath } from './values.js';

interface Entry {
  key: Key;
  record: StoredRecord;
}

/** Places a key before (negative), within (0) or after (positive) a range, in the order of the index. */
export type KeyRange = (key: Key) => number;

/** One index: entries in the order of their keys, then by the age of their records. */
export class OrderedIndex {
  readonly paths: readonly string[];
  readonly directions: readonly (1 | -1)[];
  private readonly parts: readonly string[][];
  private readonly entries: ChunkedList<Entry>;
  private readonly covers: Predicate | undefined;

  constructor(readonly spec: IndexSpec) {
    this.paths = Object.keys(spec.key);
    this.parts = this.paths.map(splitPath);
    this.directions = this.paths.map((path) => (compareValues(spec.key[path], 0) < 0 ? -1 : 1));
    this.covers = spec.partialFilterExpression && compileFilter(spec.partialFilterExpression);
    this.entries = new ChunkedList((a, b) => this.order(a.key, b.key) || a.record.id - b.record.id);
  }

  /** Whether every document has an entry, so that a query may read the index instead of the collection. */
  get isComplete(): boolean {
    return !this.covers;
  }

  /** The key of a document; undefined if a partial index leaves the document out. */
  keyOf(doc: Document): Key | undefined {
    if (this.covers && !this.covers(doc)) return undefined;
    const key = keyOf(doc, this.parts);
    assertComparable(key);
    return key;
  }

  /** The key of a document about to be stored: refuses one that breaks uniqueness, and changes nothing. */
  prepare(doc: Document, self: StoredRecord | undefined): Key | undefined {
    const key = this.keyOf(doc);
    if (key && this.spec.unique) this.checkUnique(key, self);
    return key;
  }

  add(record: StoredRecord, key: Key | undefined): void {
    if (key) this.entries.insert({ key, record });
  }

  remove(record: StoredRecord, key: Key | undefined): void {
    if (key) this.entries.remove({ key, record });
  }

  first(key: Key): StoredRecord | undefined {
    return this.entries.first((entry) => this.order(entry.key, key))?.record;
  }

  *scan(range: KeyRange, backwards = false): Generator<StoredRecord> {
    const place = ({ key }: Entry) => range(key);
    const entries = backwards ? this.entries.rangeBackwards(place) : this.entries.range(place);
    for (const { record } of entries) yield record;
  }

  isSameKey(a: Key | undefined, b: Key | undefined): boolean {
    return a === b || (a !== undefined && b !== undefined && this.order(a, b) === 0);
  }

  private order(a: Key, b: Key): number {
    return compareKeys(a, b, this.directions);
  }

  private checkUnique(key: Key, self: StoredRecord | undefined): void {
    const taken = this.first(key);
    if (taken && taken !== self) throw this.duplicateFault(key);
  }

  private duplicateFault(key: Key): Error {
    const keyValue: Document = {};
    for (const [i, path] of this.paths.entries()) setField(keyValue, path, key[i]);
    const { namespace, name } = this.spec;
    return duplicateKey(
      `E11000 duplicate key error collection: ${namespace} index: ${name} dup key: ${describeDocument(keyValue)}`,
      { keyPattern: this.spec.key, keyValue },
    );
  }
}
