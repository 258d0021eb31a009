import { BSON } from 'mongodb';

import type { StoredRecord } from './stored-record.js';
import type { Batch, CursorSource } from './cursors.js';
import type { Document } from './values.js';
import { MAX_DOCUMENT_BYTES } from './wire.js';
import { NamedFault } from './named-fault.js';

/** Gives at least one document, and as many more as one reply can hold. */
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
    // Each element of an array is preceded by its type and its position written out.
    this.bytes += bytes + 10;
    return true;
  }
}

/**
 * The records a find has found. What was deleted since is left out, and what was changed is shown as it is
 * now if it still matches: the batches of a MongoDB cursor are no snapshot either.
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
    if (this.isDropped()) throw new NamedFault(175, 'collection dropped');
    const batch = new BatchBuilder(batchSize);
    for (; this.position < this.records.length && !batch.isFull; this.position++) {
      const record = this.records[this.position]!;
      const doc = record.removed ? undefined : this.show(record.doc);
      if (doc && !batch.add(doc, record.bytes)) break;
    }
    return { docs: batch.docs, exhausted: this.isExhausted(batch) };
  }

  close(): void {
    this.records = [];
  }

  /** MongoDB learns that nothing is left only by looking further, except where a limit says so. */
  private isExhausted(batch: BatchBuilder): boolean {
    return this.position >= this.records.length && (this.limited || !batch.isFull);
  }
}

/** Documents that were made for the cursor, as by an aggregation. */
export class DocumentCursor implements CursorSource {
  private position = 0;

  constructor(private docs: readonly Document[]) {}

  next(batchSize = Infinity): Batch {
    const batch = new BatchBuilder(batchSize);
    for (; this.position < this.docs.length && !batch.isFull; this.position++) {
      const doc = this.docs[this.position]!;
      if (!batch.add(doc, BSON.calculateObjectSize(doc))) break;
    }
    return { docs: batch.docs, exhausted: this.position >= this.docs.length && !batch.isFull };
  }

  close(): void {
    this.docs = [];
  }
}
