import { BSON } from 'mongodb';
import { immutableField, MongoServerFault } from './errors.js';
import { idIndexSpec, type IndexSpec } from './index-spec.js';
import { OrderedIndex } from './ordered-index.js';
import type { StoredRecord } from './stored-record.js';
import { type Document, valuesEqual } from './values.js';
import { MAX_DOCUMENT_BYTES } from './wire.js';

/** Documents in insertion order, and their indexes, always consistent with each other. */
export class Collection {
  readonly records = new Map<number, StoredRecord>();
  private readonly idIndex: OrderedIndex;
  private all: readonly OrderedIndex[];
  private lastId = 0;

  constructor(
    readonly namespace: string,
    readonly uuid: BSON.UUID,
  ) {
    this.idIndex = new OrderedIndex(idIndexSpec(namespace));
    this.all = [this.idIndex];
  }

  /** The index of `_id` first, as everywhere in MongoDB. */
  get indexes(): readonly OrderedIndex[] {
    return this.all;
  }

  /** All keys and uniqueness are checked before anything changes, so that a refused write leaves no trace. */
  insert(doc: Document): StoredRecord {
    const bytes = checkedSize(doc, tooLargeToInsert);
    const entries = this.indexes.map((index) => ({ index, key: index.prepare(doc, undefined) }));
    this.lastId += 1;
    const record: StoredRecord = { id: this.lastId, doc, bytes, removed: false };
    this.records.set(record.id, record);
    for (const { index, key } of entries) index.add(record, key);
    return record;
  }

  replace(record: StoredRecord, doc: Document): void {
    if (!valuesEqual(doc._id, record.doc._id)) throw immutableField('The _id of a document cannot change');
    const bytes = checkedSize(doc, tooLargeAfterUpdate);
    const changes = this.indexes
      .map((index) => ({ index, before: index.keyOf(record.doc), after: index.keyOf(doc) }))
      .filter(({ index, before, after }) => !index.isSameKey(before, after));
    for (const { index } of changes) index.prepare(doc, record);
    for (const { index, before, after } of changes) {
      index.remove(record, before);
      index.add(record, after);
    }
    record.doc = doc;
    record.bytes = bytes;
  }

  remove(record: StoredRecord): void {
    for (const index of this.indexes) index.remove(record, index.keyOf(record.doc));
    this.records.delete(record.id);
    record.removed = true;
  }

  createIndex(spec: IndexSpec): void {
    const index = new OrderedIndex(spec);
    for (const record of this.records.values()) index.add(record, index.prepare(record.doc, record));
    this.all = [...this.all, index];
  }

  /** The index of `_id` cannot be dropped. */
  dropIndex(name: string): void {
    this.all = this.all.filter((index) => index === this.idIndex || index.spec.name !== name);
  }

  findById(id: unknown): StoredRecord | undefined {
    return this.idIndex.first([id]);
  }
}

function checkedSize(doc: Document, tooLarge: (bytes: number) => MongoServerFault): number {
  const bytes = BSON.calculateObjectSize(doc);
  if (bytes > MAX_DOCUMENT_BYTES) throw tooLarge(bytes);
  return bytes;
}

function tooLargeToInsert(bytes: number): MongoServerFault {
  const message = `object to insert too large. size in bytes: ${bytes}, max size: ${MAX_DOCUMENT_BYTES}`;
  return new MongoServerFault(2, message);
}

function tooLargeAfterUpdate(): MongoServerFault {
  return new MongoServerFault(17419, `Resulting document after update is larger than ${MAX_DOCUMENT_BYTES}`);
}
