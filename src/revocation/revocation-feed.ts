import { Logger } from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import type { RevocationStore } from '../core/ports.js';
import { withTimeout } from '../core/with-timeout.js';
import { elapsedMs, type Moment, momentNow } from '../database/process-clocks.js';
import type { RevocationList } from './revocation-list.js';
import { RevocationReader } from './revocation-reader.js';
import { WatchKeeper } from './watch-keeper.js';

/** Next to a watch, reads only prove that the list is fresh. Several may fail before it counts as stale. */
const SAFETY_READ_INTERVAL_MS = 5_000;
const SAFETY_READS_PER_STALENESS = 6;
/** How long a stopping process waits for pending work, since the database may be unreachable. */
const STOP_WITHIN_MS = 500;
/** How long a request that found the list stale waits for a read. */
const FRESHEN_WITHIN_MS = 3_000;
/** How long requests are refused without another read after a failed one. */
const FRESHEN_AGAIN_AFTER_MS = 1_000;

export interface RevocationFeedOptions {
  readonly pollIntervalMs: number;
  readonly maxStalenessMs: number;
}

/** `reading-again`: another read starts as soon as the current one ends. */
type State = 'idle' | 'waiting' | 'reading' | 'reading-again' | 'stopped';

/**
 * Follows a store. It always reads at intervals, and also listens if the store can push. Only one read runs at a time. A
 * watch that opens or is lost causes a read immediately, so nothing is missed in between.
 */
export class RevocationFeed {
  private readonly logger = new Logger('RevocationFeed');
  private readonly reader: RevocationReader;
  private readonly keeper: WatchKeeper;
  private readonly stopping = new AbortController();
  private state: State = 'idle';
  private isFailing = false;
  private timer: NodeJS.Timeout | undefined;
  private freshening: Promise<void> | null = null;
  private failure: { readonly begun: Moment; readonly at: Moment; readonly cause: unknown } | null = null;

  constructor(
    private readonly options: RevocationFeedOptions,
    store: RevocationStore,
    list: RevocationList,
    /** Runs before each read. */
    private readonly beforeRead: () => Promise<void>,
    /** Runs after each full read; the argument is when that began, on the monotonic clock. */
    allRead: (startedAt: number) => void,
  ) {
    this.reader = new RevocationReader(options.maxStalenessMs, store, list, allRead);
    this.keeper = new WatchKeeper(store, {
      entriesAdded: (entries) => list.remember(entries),
      opened: ({ description }) => {
        this.logger.log(`revocations are pushed by ${description}, and read every ${this.intervalMs} ms`);
        // Entries written before the watch opened were not pushed.
        this.reader.readAllNext();
        this.readSoon();
      },
      lost: () => this.readSoon(),
    });
  }

  /** Milliseconds since the last successful read began; infinite before the first. */
  get stalenessMs(): number {
    return this.reader.stalenessMs;
  }

  /** Whether the list is too old to rely on. */
  get isStale(): boolean {
    return this.reader.stalenessMs > this.options.maxStalenessMs;
  }

  /**
   * Reads for a request that found the list stale: in a process that was frozen between two requests, no timer has run.
   * Concurrent requests share one read.
   * @throws AuthError `TEMPORARILY_UNAVAILABLE` if the read fails or takes too long
   */
  async freshen(): Promise<void> {
    // The pending read may have begun before the process was suspended; then the list is still stale after it.
    if (this.freshening) await this.freshening;
    if (this.isStale && !this.hasJustFailed)
      await (this.freshening ??= this.readForRequests().finally(() => {
        this.freshening = null;
      }));
    if (this.isStale)
      throw new AuthError('TEMPORARILY_UNAVAILABLE', {
        detail: 'the revocation feed is stale',
        cause: this.failure?.cause,
      });
  }

  /** Resolves when the list is complete. Opens the watch before the first read, so that nothing is missed in between. */
  async start(): Promise<void> {
    await this.keeper.open();
    try {
      await this.beforeRead();
      await this.reader.read();
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (!this.keeper.isOpen) this.logger.log(`revocations are read every ${this.options.pollIntervalMs} ms`);
    this.wait(this.intervalMs);
  }

  async stop(): Promise<void> {
    this.state = 'stopped';
    clearTimeout(this.timer);
    this.stopping.abort();
    const underWay = () => Promise.all([this.reader.settled(), this.keeper.stop()]);
    await withTimeout(underWay, STOP_WITHIN_MS).catch(() => undefined);
  }

  private async readForRequests(): Promise<void> {
    if (this.state === 'idle' || this.isStopped) return;
    const begun = momentNow();
    try {
      // A mark from before a standstill is not reliable, so read everything.
      this.reader.readAllNext();
      // After a standstill the connections may be dead; the first error removes them.
      const read = () => this.reader.read().catch(() => this.reader.read());
      await withTimeout(read, FRESHEN_WITHIN_MS, this.stopping.signal);
      this.failure = null;
    } catch (cause) {
      this.failure = { begun, at: momentNow(), cause };
    }
  }

  /** Whether requests were refused just now. A failed read that began before a standstill does not count. */
  private get hasJustFailed(): boolean {
    if (!this.failure) return false;
    const { begun, at } = this.failure;
    return (
      elapsedMs(at) < FRESHEN_AGAIN_AFTER_MS && elapsedMs(begun) < FRESHEN_WITHIN_MS + FRESHEN_AGAIN_AFTER_MS
    );
  }

  private get intervalMs(): number {
    const { pollIntervalMs, maxStalenessMs } = this.options;
    if (!this.keeper.isOpen || this.isFailing) return pollIntervalMs;
    const safety = Math.min(SAFETY_READ_INTERVAL_MS, maxStalenessMs / SAFETY_READS_PER_STALENESS);
    return Math.max(pollIntervalMs, safety);
  }

  private wait(ms: number): void {
    if (this.isStopped) return;
    this.state = 'waiting';
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.tick(), ms);
    this.timer.unref();
  }

  private readSoon(): void {
    if (this.state === 'reading') this.state = 'reading-again';
    else if (this.state === 'waiting') this.wait(0);
  }

  private async tick(): Promise<void> {
    this.state = 'reading';
    // Not awaited: a watch that cannot be opened must not delay the read.
    void this.keeper.open();
    const problem = await this.read();
    if (this.isStopped) return;
    if (problem === null && this.isFailing) this.logger.log('revocations can be read again');
    if (problem !== null && !this.isFailing) this.logger.warn(`cannot read revocations: ${problem}`);
    this.isFailing = problem !== null;
    this.wait(this.isReadDue ? 0 : this.intervalMs);
  }

  /** Null, or the reason of the failure for the log. */
  private async read(): Promise<string | null> {
    try {
      await this.reader.readInTime(this.beforeRead, this.stopping.signal);
      return null;
    } catch (error) {
      return String(error);
    }
  }

  // Getters, because the compiler assumes that the state does not change during an `await`.
  private get isStopped(): boolean {
    return this.state === 'stopped';
  }

  private get isReadDue(): boolean {
    return this.state === 'reading-again';
  }
}
