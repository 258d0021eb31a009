import { Logger } from '@nestjs/common';
import type { RevocationMark, RevocationStore, RevocationWatch } from '../core/ports.js';
import { atMost } from '../database/at-most.js';
import type { RevocationList } from './revocation-list.js';

/** After a failover the new primary's clock may stand before the mark; a read of everything leaves nothing out. */
const FULL_READ_INTERVAL_MS = 60_000;
/** Beside a store that pushes, reads prove that the list is fresh: often enough for several to fail. */
const SAFETY_READ_INTERVAL_MS = 5_000;
/** A process that stops waits so long for what is under way. */
const STOP_WITHIN_MS = 500;
const SAFETY_READS_PER_STALENESS = 6;

export interface RevocationFeedOptions {
  readonly pollIntervalMs: number;
  readonly maxStalenessMs: number;
}

/**
 * Follows a store: by what it pushes, if it can, and by reading it, always. Only a read makes the list fresh, so nothing
 * that is lost on the way stays unnoticed; a watch that is lost is begun anew, and everything is read again after it.
 */
export class RevocationFeed {
  private readonly logger = new Logger('RevocationFeed');
  private mark: RevocationMark | null = null;
  private fullReadDue = 0;
  /** On the process' own monotonic clock, so that no step of any other clock looks like staleness. */
  private freshAt = Number.NEGATIVE_INFINITY;
  private watch: RevocationWatch | null = null;
  private canWatch: boolean;
  private opening: Promise<void> | null = null;
  private reading: Promise<void> = Promise.resolve();
  private isReading = false;
  /** A read that began before the watch may lack what was written in between. */
  private isReadDue = false;
  private isFailing = false;
  private state: 'idle' | 'running' | 'stopped' = 'idle';
  private timer: NodeJS.Timeout | undefined;
  private deadline: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: RevocationFeedOptions,
    private readonly store: RevocationStore,
    private readonly list: RevocationList,
    /** What else there is to do as often. */
    private readonly beforeRead: () => Promise<void>,
  ) {
    this.canWatch = store.watch !== undefined;
  }

  /** Milliseconds since the beginning of the last read that succeeded. */
  get stalenessMs(): number {
    return performance.now() - this.freshAt;
  }

  /** The list is complete when it resolves. @throws what the first read failed with */
  async start(): Promise<void> {
    await this.openWatch();
    try {
      await this.read();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.state = 'running';
    if (!this.watch) this.logger.log(`revocations are read every ${this.options.pollIntervalMs} ms`);
    this.schedule();
  }

  /** Waits for what is under way, whose connection is about to be closed. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    clearTimeout(this.timer);
    // The database may be away.
    await atMost(STOP_WITHIN_MS, Promise.allSettled([this.reading, this.opening, this.watch?.close()]));
    clearTimeout(this.deadline);
  }

  private get intervalMs(): number {
    const { pollIntervalMs, maxStalenessMs } = this.options;
    if (!this.watch || this.isFailing) return pollIntervalMs;
    const safety = Math.min(SAFETY_READ_INTERVAL_MS, maxStalenessMs / SAFETY_READS_PER_STALENESS);
    return Math.max(pollIntervalMs, safety);
  }

  private schedule(delayMs = this.intervalMs): void {
    if (this.state !== 'running') return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.tick(), delayMs);
    this.timer.unref();
  }

  /** Reads now, or as soon as the read under way is over. */
  private readSoon(): void {
    if (this.isReading) this.isReadDue = true;
    else this.schedule(0);
  }

  private async tick(): Promise<void> {
    // Beside the reads: a watch that cannot be begun must not keep the list from being read.
    if (this.canWatch && !this.watch) this.opening ??= this.openWatch().finally(() => (this.opening = null));
    this.isReading = true;
    this.isReadDue = false;
    try {
      await this.readInTime();
      if (this.isFailing) this.logger.log('revocations can be read again');
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.logger.warn(`cannot read revocations: ${String(error)}`);
      this.isFailing = true;
    }
    this.isReading = false;
    this.schedule(this.isReadDue ? 0 : this.intervalMs);
  }

  /** A read that never comes back must not be the last one; one that comes late still counts, as of its beginning. */
  private async readInTime(): Promise<void> {
    let deadline: NodeJS.Timeout | undefined;
    const reading = this.read().finally(() => clearTimeout(deadline));
    const tooLate = new Promise<never>((_, reject) => {
      const limit = this.options.maxStalenessMs;
      deadline = setTimeout(() => reject(new Error(`no answer within ${limit} ms`)), limit).unref();
    });
    this.deadline = deadline;
    this.reading = reading;
    await Promise.race([reading, tooLate]);
  }

  private async read(): Promise<void> {
    await this.beforeRead();
    const startedAt = performance.now();
    const isFullRead = startedAt >= this.fullReadDue;
    const { entries, mark } = await this.store.read(isFullRead ? null : this.mark);
    this.list.remember(entries);
    if (startedAt < this.freshAt) return;
    // Unless a watch began meanwhile, which asks for another.
    if (isFullRead && startedAt >= this.fullReadDue) {
      // Within the bound of staleness: until then the list counts as fresh.
      this.fullReadDue = startedAt + Math.min(FULL_READ_INTERVAL_MS, this.options.maxStalenessMs);
    }
    this.mark = mark;
    // As of the start of the read: what was written meanwhile may be missing from it.
    this.freshAt = startedAt;
  }

  private async openWatch(): Promise<void> {
    let isLost = false;
    let watch: RevocationWatch | null = null;
    const lose = (reason: unknown) => {
      if (isLost) return;
      isLost = true;
      if (watch && this.watch === watch) this.loseWatch(watch, reason);
    };
    try {
      watch =
        (await this.store.watch?.({
          entriesAdded: (entries) => this.list.remember(entries),
          watchLost: lose,
        })) ?? null;
    } catch (error) {
      if (!this.isFailing) this.logger.warn(`revocations are not pushed for now: ${String(error)}`);
      return;
    }
    this.canWatch = watch !== null;
    if (!watch) return;
    if (isLost || this.state === 'stopped') return watch.close();
    this.watch = watch;
    this.logger.log(`revocations are pushed by ${watch.description}, and read every ${this.intervalMs} ms`);
    this.fullReadDue = performance.now();
    this.readSoon();
  }

  private loseWatch(watch: RevocationWatch, reason: unknown): void {
    this.watch = null;
    if (this.state === 'stopped') return;
    this.logger.warn(`${watch.description} of revocations lost: ${String(reason)}`);
    watch.close().catch(() => undefined);
    this.readSoon();
  }
}
