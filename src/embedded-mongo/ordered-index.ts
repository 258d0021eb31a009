import { ChunkedList } from './chunked-list.js';
import { describeDocument } from './describe-value.js';
import { duplicateKey } from './errors.js';
import { assertSparseIsPlain, compareKeys, indexKeys } from './index-keys.js';
import type { IndexSpec } from './index-spec.js';
import { type Predicate, compileFilter } from './match.js';
import type { StoredRecord } from './stored-record.js';
import { type Document, compareValues, setField, splitPath } from './values.js';

interface Entry {
  key: unknown[];
  record: StoredRecord;
}

/** Places a key before (negative), within (0) or after (positive) a range, in the order of the index. */
export type KeyRange = (key: readonly unknown[]) => number;

export interface PreparedKeys {
  keys: unknown[][];
  multikey: boolean;
}

/** One index: entries in order of their keys, then of the age of their records. */
export class OrderedIndex {
  readonly paths: string[];
  readonly directions: number[];
  private readonly parts: string[][];
  private readonly entries: ChunkedList<Entry>;
  private readonly covers: Predicate | undefined;
  private multikeyRecords = 0;

  constructor(readonly spec: IndexSpec) {
    this.paths = Object.keys(spec.key);
    this.parts = this.paths.map(splitPath);
    this.directions = this.paths.map((path) => (compareValues(spec.key[path], 0) < 0 ? -1 : 1));
    this.covers = spec.partialFilterExpression && compileFilter(spec.partialFilterExpression);
    this.entries = new ChunkedList((a, b) => this.order(a.key, b.key) || a.record.id - b.record.id);
  }

  get size(): number {
    return this.entries.size;
  }

  /** Whether every document has an entry, so that the index alone can answer for the collection. */
  get isComplete(): boolean {
    return !this.spec.sparse && !this.covers;
  }

  /** Whether some document has an array on one of the paths. */
  get isMultikey(): boolean {
    return this.multikeyRecords > 0;
  }

  /** Works out the keys of a document and refuses it if it would break uniqueness; changes nothing. */
  prepare(doc: Document, self: StoredRecord | undefined): PreparedKeys {
    const prepared = this.keysOf(doc);
    if (this.spec.unique) for (const key of prepared.keys) this.checkUnique(key, self);
    return prepared;
  }

  keysOf(doc: Document): PreparedKeys {
    if (this.covers && !this.covers(doc)) return { keys: [], multikey: false };
    const found = indexKeys(doc, this.parts);
    if (!this.spec.sparse) return found;
    assertSparseIsPlain(found);
    return found.absent ? { keys: [], multikey: false } : found;
  }

  add(record: StoredRecord, { keys, multikey }: PreparedKeys): void {
    for (const key of keys) this.entries.insert({ key, record });
    if (multikey) this.multikeyRecords++;
  }

  remove(record: StoredRecord, { keys, multikey }: PreparedKeys): void {
    for (const key of keys) this.entries.remove({ key, record });
    if (multikey) this.multikeyRecords--;
  }

  *scan(range: KeyRange, backwards = false): Generator<StoredRecord> {
    const place = ({ key }: Entry) => range(key);
    const entries = backwards ? this.entries.rangeBackwards(place) : this.entries.range(place);
    for (const { record } of entries) yield record;
  }

  order(a: readonly unknown[], b: readonly unknown[]): number {
    for (let i = 0; i < this.directions.length; i++) {
      const order = compareValues(a[i], b[i]);
      if (order !== 0) return order * this.directions[i]!;
    }
    return 0;
  }

  private checkUnique(key: unknown[], self: StoredRecord | undefined): void {
    const taken = this.entries.first((entry) => this.order(entry.key, key));
    if (taken && taken.record !== self) throw this.duplicateFault(key);
  }

  private duplicateFault(key: unknown[]): Error {
    const keyValue: Document = {};
    this.paths.forEach((path, i) => setField(keyValue, path, key[i]));
    const { namespace, name } = this.spec;
    return duplicateKey(
      `E11000 duplicate key error collection: ${namespace} index: ${name} dup key: ${describeDocument(keyValue)}`,
      { keyPattern: this.spec.key, keyValue },
    );
  }
}

export function sameKeys(a: PreparedKeys, b: PreparedKeys): boolean {
  return (
    a.multikey === b.multikey &&
    a.keys.length === b.keys.length &&
    a.keys.every((key, i) => compareKeys(key, b.keys[i]!) === 0)
  );
}
