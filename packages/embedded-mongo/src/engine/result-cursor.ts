import { BSON } from 'mongodb';
import type { Batch, Cursors, CursorSource } from './cursors.js';
import { MongoServerFault } from './errors.js';
import type { StoredRecord } from './stored-record.js';
import type { Document } from './values.js';
import { MAX_DOCUMENT_BYTES } from './wire.js';

/** Takes at least one document, and as many more as one reply can hold. */
export class BatchBuilder {
  readonly docs: Document[] = [];
  private bytes = 0;

  constructor(private readonly size: number) {}

  get isFull(): boolean {
    return this.docs.length >= this.size;
  }

  add(doc: Document, bytes: number): boolean {
    if (this.docs.length > 0 && this.bytes + bytes > MAX_DOCUMENT_BYTES) return false;
    this.docs.push(doc);
    // In BSON each element of an array is preceded by its type and its decimal position.
    this.bytes += bytes + 10;
    return true;
  }
}

/**
 * The records of a find. Later batches leave out what was deleted meanwhile, and show what was changed as it is now if
 * it still matches: the batches of a MongoDB cursor are no snapshot either.
 */
export class RecordCursor implements CursorSource {
  private position = 0;

  constructor(
    private records: readonly StoredRecord[],
    private readonly show: (doc: Document) => Document | undefined,
    private readonly limited: boolean,
    private readonly isDropped: () => boolean,
  ) {}

  next(batchSize = Infinity): Batch {
    if (this.isDropped()) throw new MongoServerFault(175, 'collection dropped');
    const batch = new BatchBuilder(batchSize);
    for (const record of this.records.slice(this.position)) {
      if (batch.isFull) break;
      const doc = record.removed ? undefined : this.show(record.doc);
      if (doc && !batch.add(doc, record.bytes)) break;
      this.position += 1;
    }
    return { docs: batch.docs, exhausted: this.isExhausted(batch) };
  }

  close(): void {
    this.records = [];
  }

  /** MongoDB notices that nothing is left only when it looks further, unless the limit is reached. */
  private isExhausted(batch: BatchBuilder): boolean {
    return this.position >= this.records.length && (this.limited || !batch.isFull);
  }
}

/** Documents made for the cursor, as by an aggregation. */
class DocumentCursor implements CursorSource {
  private position = 0;

  constructor(private docs: readonly Document[]) {}

  next(batchSize = Infinity): Batch {
    const batch = new BatchBuilder(batchSize);
    for (const doc of this.docs.slice(this.position)) {
      if (batch.isFull || !batch.add(doc, BSON.calculateObjectSize(doc))) break;
      this.position += 1;
    }
    return { docs: batch.docs, exhausted: this.position >= this.docs.length && !batch.isFull };
  }

  close(): void {
    this.docs = [];
  }
}

/** The reply with the first of these documents, and a cursor for the others. */
export function openCursor(
  cursors: Cursors,
  namespace: string,
  documents: readonly Document[],
  batchSize?: number,
): Document {
  const cursor = new DocumentCursor(documents);
  const { docs, exhausted } = cursor.next(batchSize);
  const id = exhausted ? BSON.Long.ZERO : cursors.add(namespace, cursor);
  return { cursor: { firstBatch: docs, id, ns: namespace } };
}
