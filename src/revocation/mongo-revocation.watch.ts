import { setTimeout as delay } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import { MAX_SILENCE_MS } from '../core/limits.js';
import type { RevocationEntry, RevocationObserver, RevocationWatch } from '../core/ports.js';
import { withTimeout } from '../core/with-timeout.js';
import { readEntry } from './read-entry.js';
import type { Revocation } from './revocation.schema.js';

/** How long the server waits for changes before it answers; each answer is a sign of life. */
const HOLD_MS = 1_000;
/** Poll interval if the server must not wait. */
const PAUSE_MS = 50;
const OPEN_WITHIN_MS = 5_000;

type Change = mongo.ChangeStreamDocument<Revocation>;

/** Deletions come from the TTL index. An update contains the new values, so no further reads are needed. */
const WRITES = [{ $match: { operationType: { $in: ['insert', 'update', 'replace'] } } }];

/**
 * Follows the collection with a change stream. The driver resumes it after a failover. A stream that cannot be resumed
 * (`ChangeStreamHistoryLost`, a dropped collection) or falls silent counts as lost.
 */
export class MongoRevocationWatch implements RevocationWatch {
  readonly description = 'change stream';
  private readonly stream: mongo.ChangeStream<Revocation, Change>;
  private following: Promise<void> = Promise.resolve();
  private isOver = false;
  private silence: NodeJS.Timeout | undefined;

  private constructor(
    collection: mongo.Collection<Revocation>,
    private readonly observer: RevocationObserver,
    private readonly mayHold: boolean,
  ) {
    this.stream = collection.watch<Revocation, Change>(WRITES, { maxAwaitTimeMS: mayHold ? HOLD_MS : 1 });
  }

  /**
   * Resolves when the server has opened the stream: everything that is written from then on is pushed.
   * @param mayHold whether the server may wait for changes: only if the driver's monitor streams, which it does if MongoDB
   * sends a `topologyVersion` (4.4 and later) and the host has not set it to poll. A polling monitor can hang forever when a
   * server dies while a command waits there: it writes to a destroyed socket and waits for `drain` (seen with driver 7.8).
   */
  static async open(
    collection: mongo.Collection<Revocation>,
    observer: RevocationObserver,
    mayHold: boolean,
  ): Promise<MongoRevocationWatch> {
    const watch = new MongoRevocationWatch(collection, observer, mayHold);
    try {
      await watch.begin();
    } catch (error) {
      await watch.close();
      throw error;
    }
    return watch;
  }

  async close(): Promise<void> {
    this.end();
    await Promise.allSettled([this.stream.close(), this.following]);
  }

  private async begin(): Promise<void> {
    // The token comes with the server's first answer, but `tryNext` resolves only after the server has waited for changes.
    const opened = new Promise<void>((resolve) => this.stream.once('resumeTokenChanged', () => resolve()));
    const first = this.stream.tryNext();
    try {
      await withTimeout(() => Promise.race([opened, first]), OPEN_WITHIN_MS);
    } finally {
      this.following = this.follow(first);
    }
  }

  private async follow(first: Promise<Change | null>): Promise<void> {
    try {
      for (let next = first; ; next = this.stream.tryNext()) {
        this.listen();
        const change = await next;
        if (this.isOver) return;
        if (change) this.observer.entriesAdded(entriesOf(change));
        // A stream that the server ended (its collection was dropped) returns `null` immediately, again and again.
        else if (this.stream.closed) throw new Error('the server ended the stream');
        else if (!this.mayHold) await delay(PAUSE_MS, undefined, { ref: false });
        if (this.isOver) return;
      }
    } catch (reason) {
      this.lose(reason);
    }
  }

  /** Waits for the next sign of life. */
  private listen(): void {
    clearTimeout(this.silence);
    const silent = new Error(`silent for ${MAX_SILENCE_MS} ms`);
    this.silence = setTimeout(() => this.lose(silent), MAX_SILENCE_MS).unref();
  }

  private lose(reason: unknown): void {
    if (this.isOver) return;
    this.end();
    this.observer.watchLost(reason);
  }

  private end(): void {
    this.isOver = true;
    clearTimeout(this.silence);
  }
}

/** Skips damaged documents, which the next read of the store reports. */
function entriesOf(change: Change): RevocationEntry[] {
  const entry = entryOf(change);
  return entry ? [entry] : [];
}

function entryOf(change: Change): RevocationEntry | null {
  if (change.operationType === 'insert' || change.operationType === 'replace')
    return readEntry(change.fullDocument);
  if (change.operationType !== 'update') return null;
  // Only a later expiry of a known entry matters.
  const expiresAt = change.updateDescription.updatedFields?.expiresAt;
  return expiresAt ? readEntry({ _id: change.documentKey._id, expiresAt }) : null;
}
