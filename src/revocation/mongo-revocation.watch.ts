import { setTimeout as delay } from 'node:timers/promises';
import type { mongo } from 'mongoose';
import type { RevocationEntry, RevocationKey, RevocationObserver, RevocationWatch } from '../core/ports.js';
import type { Revocation } from './revocation.schema.js';
import { SilenceAlarm } from './silence-alarm.js';

/** How long the server holds its answer where there is no news; each answer is a sign of life. */
const HOLD_MS = 1_000;
/** Where it must not hold its answer it is asked so often. */
const PAUSE_MS = 50;
/** Until then the server has opened the stream, or it has not. */
const OPEN_WITHIN_MS = 5_000;

type Change = mongo.ChangeStreamDocument<Revocation>;

/** Deletions are the TTL index at work. An update has what is new in it, so that nothing need be looked up. */
const WRITES = [{ $match: { operationType: { $in: ['insert', 'update', 'replace'] } } }];

/**
 * Follows the collection by a change stream. The driver resumes it by its token after a failover; what cannot be resumed
 * (`ChangeStreamHistoryLost`, a dropped collection), and a stream that falls silent, is lost.
 */
export class MongoRevocationWatch implements RevocationWatch {
  readonly description = 'change stream';
  private readonly stream: mongo.ChangeStream<Revocation, Change>;
  private following: Promise<void> = Promise.resolve();
  private isOver = false;
  private readonly silence = new SilenceAlarm((reason) => this.lose(reason));

  private constructor(
    collection: mongo.Collection<Revocation>,
    private readonly observer: RevocationObserver,
    private readonly mayHold: boolean,
  ) {
    this.stream = collection.watch<Revocation, Change>(WRITES, { maxAwaitTimeMS: mayHold ? HOLD_MS : 1 });
  }

  /**
   * Resolves when the server has opened the stream: what is written from then on will be told.
   * @param mayHold whether the driver's monitor streams: it does where MongoDB tells a `topologyVersion` (4.4 and later) and
   * the host does not have it poll. One that polls can hang for good when a server dies while a command waits there: it
   * writes to a socket that was just destroyed and waits for `drain` (seen with 7.8). No command waits long then.
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
    this.isOver = true;
    this.silence.stop();
    await Promise.allSettled([this.stream.close(), this.following]);
  }

  private async begin(): Promise<void> {
    // The token comes with the server's first answer; the first event, or none, only after what it holds back.
    const opened = new Promise<void>((resolve) => this.stream.once('resumeTokenChanged', () => resolve()));
    const first = this.stream.tryNext();
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${OPEN_WITHIN_MS} ms`)), OPEN_WITHIN_MS);
    });
    try {
      await Promise.race([opened, first, tooLate]);
    } finally {
      clearTimeout(timer);
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
        // A stream that the server ended (its collection was dropped) answers `null` at once, again and again.
        else if (this.stream.closed) throw new Error('the server ended the stream');
        else if (!this.mayHold) await delay(PAUSE_MS, undefined, { ref: false });
        if (this.isOver) return;
      }
    } catch (reason) {
      this.lose(reason);
    }
  }

  private listen(): void {
    if (this.isOver) return;
    this.silence.reset();
  }

  private lose(reason: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.silence.stop();
    this.observer.watchLost(reason);
  }
}

function entriesOf(change: Change): RevocationEntry[] {
  if (change.operationType === 'insert' || change.operationType === 'replace') {
    const { _id, expiresAt } = change.fullDocument;
    return [{ key: _id as RevocationKey, expiresAt }];
  }
  if (change.operationType !== 'update') return [];
  // Of an entry that was known before, only a longer life is news.
  const expiresAt = change.updateDescription.updatedFields?.expiresAt;
  return expiresAt ? [{ key: change.documentKey._id as unknown as RevocationKey, expiresAt }] : [];
}
