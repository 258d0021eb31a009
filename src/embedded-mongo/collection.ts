import { BSON } from 'mongodb';

import { MongoServerFault, immutableField } from './errors.js';
import { type IndexSpec, idIndexSpec } from './index-spec.js';
import { OrderedIndex, sameKeys } from './ordered-index.js';
import type { StoredRecord } from './stored-record.js';
import { type Document, valuesEqual } from './values.js';
import { MAX_DOCUMENT_BYTES } from './wire.js';

/** Documents in the order of their insertion, and their indexes, always in step with one another. */
export class Collection {
  readonly records = new Map<number, StoredRecord>();
  readonly indexes: OrderedIndex[];
  private lastId = 0;

  constructor(
    readonly namespace: string,
    readonly uuid: BSON.UUID,
  ) {
    this.indexes = [new OrderedIndex(idIndexSpec(namespace))];
  }

  /** All keys and all uniqueness are settled before anything changes, so that a refused write leaves no trace. */
  insert(doc: Document): StoredRecord {
    const bytes = checkedSize(doc, tooLargeToInsert);
    const prepared = this.indexes.map((index) => index.prepare(doc, undefined));
    const record: StoredRecord = { id: ++this.lastId, doc, bytes, removed: false };
    this.records.set(record.id, record);
    this.indexes.forEach((index, i) => index.add(record, prepared[i]!));
    return record;
  }

  replace(record: StoredRecord, doc: Document): void {
    if (!valuesEqual(doc._id, record.doc._id)) throw immutableField('The _id of a document cannot change');
    const bytes = checkedSize(doc, tooLargeAfterUpdate);
    const changes = this.indexes.map((index) => {
      const before = index.keysOf(record.doc);
      const after = index.keysOf(doc);
      if (sameKeys(before, after)) return undefined;
      return { index, before, after: index.prepare(doc, record) };
    });
    for (const change of changes) {
      if (!change) continue;
      change.index.remove(record, change.before);
      change.index.add(record, change.after);
    }
    record.doc = doc;
    record.bytes = bytes;
  }

  remove(record: StoredRecord): void {
    for (const index of this.indexes) index.remove(record, index.keysOf(record.doc));
    this.records.delete(record.id);
    record.removed = true;
  }

  createIndex(spec: IndexSpec): void {
    const index = new OrderedIndex(spec);
    for (const record of this.records.values()) index.add(record, index.prepare(record.doc, record));
    this.indexes.push(index);
  }

  dropIndex(name: string): void {
    const at = this.indexes.findIndex((index) => index.spec.name === name);
    if (at > 0) this.indexes.splice(at, 1);
  }

  findById(id: unknown): StoredRecord | undefined {
    const wanted = [id];
    const [idIndex] = this.indexes;
    for (const record of idIndex!.scan((key) => idIndex!.order(key, wanted))) return record;
    return undefined;
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
