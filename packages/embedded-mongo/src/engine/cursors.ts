import { randomInt } from 'node:crypto';
import { BSON } from 'mongodb';
import { cursorNotFound } from './errors.js';
import type { Document } from './values.js';

export interface Batch {
  docs: Document[];
  /** Whether this is the last batch, with which the cursor closes. */
  exhausted: boolean;
  postBatchResumeToken?: Document;
}

/** Where a cursor's documents come from. */
export interface CursorSource {
  /** More documents may come later; the client sets how long it waits for them. */
  readonly awaitsData?: boolean;
  next(batchSize: number | undefined, maxTimeMs: number | undefined): Batch | Promise<Batch>;
  close(): void;
}

interface OpenCursor {
  namespace: string;
  source: CursorSource;
  lastUsed: number;
  busy: boolean;
}

const IDLE_LIMIT_MS = 10 * 60_000;

export class Cursors {
  private readonly open = new Map<bigint, OpenCursor>();

  add(namespace: string, source: CursorSource): BSON.Long {
    let id: bigint;
    do id = (BigInt(randomInt(2 ** 31)) << 31n) + BigInt(randomInt(1, 2 ** 31));
    while (this.open.has(id));
    this.open.set(id, { namespace, source, lastUsed: Date.now(), busy: false });
    return BSON.Long.fromBigInt(id);
  }

  get(id: BSON.Long): OpenCursor {
    const cursor = this.open.get(id.toBigInt());
    if (!cursor) throw cursorNotFound(`cursor id ${id.toString()} not found`);
    cursor.lastUsed = Date.now();
    return cursor;
  }

  kill(id: BSON.Long): boolean {
    const cursor = this.open.get(id.toBigInt());
    cursor?.source.close();
    return this.open.delete(id.toBigInt());
  }

  killAll(): void {
    for (const { source } of this.open.values()) source.close();
    this.open.clear();
  }

  /** The results of a client that has vanished must not stay in memory for ever. */
  dropIdle(now: number): void {
    for (const [id, { lastUsed, busy, source }] of this.open) {
      if (busy || now - lastUsed < IDLE_LIMIT_MS) continue;
      source.close();
      this.open.delete(id);
    }
  }
}
