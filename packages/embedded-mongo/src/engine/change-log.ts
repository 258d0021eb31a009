import { BSON } from 'mongodb';
import type { Change } from './store.js';

/** A change and its moment. `invalidate` follows the drop of a collection and ends its streams. */
export interface LoggedChange {
  timestamp: BSON.Timestamp;
  at: Date;
  change: Change | { kind: 'invalidate'; namespace: string };
}

const KEPT_CHANGES = 10_000;

/** The latest changes in order, for change streams to follow and to resume from. */
export class ChangeLog {
  private entries: LoggedChange[] = [];
  /** The number of the first entry still kept, counted from the start of the server. */
  private firstKept = 0;
  private lastTimestamp = BSON.Timestamp.fromBits(0, 0);
  private readonly waiting = new Set<() => void>();
  /** The log holds nothing from before this moment. */
  private oldest: BSON.Timestamp;

  constructor() {
    this.oldest = this.nextTimestamp();
  }

  get end(): number {
    return this.firstKept + this.entries.length;
  }

  get latestTimestamp(): BSON.Timestamp {
    return this.lastTimestamp;
  }

  /** Seconds and a counter within the second; never the same twice, never backwards. */
  nextTimestamp(): BSON.Timestamp {
    const seconds = Math.max(Math.floor(Date.now() / 1000), this.lastTimestamp.t);
    const i = seconds === this.lastTimestamp.t ? this.lastTimestamp.i + 1 : 1;
    this.lastTimestamp = new BSON.Timestamp({ t: seconds, i });
    return this.lastTimestamp;
  }

  publish(changes: readonly Change[]): void {
    const at = new Date();
    for (const change of changes) {
      this.entries.push({ timestamp: this.nextTimestamp(), at, change });
      if (change.kind !== 'drop') continue;
      const end = { kind: 'invalidate', namespace: change.namespace } as const;
      this.entries.push({ timestamp: this.nextTimestamp(), at, change: end });
    }
    this.forgetOldest();
    for (const wake of this.waiting) wake();
  }

  entry(position: number): LoggedChange | undefined {
    return this.entries[position - this.firstKept];
  }

  isForgotten(position: number): boolean {
    return position < this.firstKept;
  }

  /** The position of the first change at or after a moment; undefined if changes after it may be forgotten. */
  positionOf(timestamp: BSON.Timestamp): number | undefined {
    if (timestamp.lessThan(this.oldest)) return undefined;
    const at = this.entries.findIndex((entry) => entry.timestamp.greaterThanOrEqual(timestamp));
    return at < 0 ? this.end : this.firstKept + at;
  }

  /** Resolves when something is published or the signal aborts. */
  nextPublication(stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.waiting.delete(wake);
        stop.removeEventListener('abort', wake);
        resolve();
      };
      if (stop.aborted) return resolve();
      this.waiting.add(wake);
      stop.addEventListener('abort', wake);
    });
  }

  /** In large steps: moving the whole list for every change would cost more than the change. */
  private forgetOldest(): void {
    if (this.entries.length < 2 * KEPT_CHANGES) return;
    const forgotten = this.entries.splice(0, this.entries.length - KEPT_CHANGES);
    this.firstKept += forgotten.length;
    this.oldest = forgotten.at(-1)?.timestamp ?? this.oldest;
  }
}
