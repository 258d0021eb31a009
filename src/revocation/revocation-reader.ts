import type { RevocationMark, RevocationStore } from '../core/ports.js';
import { withTimeout } from '../core/with-timeout.js';
import { elapsedMs, type Moment, momentNow } from '../database/process-clocks.js';
import type { RevocationList } from './revocation-list.js';

/** After a failover the new primary's clock may be behind the mark, so everything is read again at this interval. */
const FULL_READ_INTERVAL_MS = 60_000;

/** Reads the store into the list, and knows how fresh the list is. Only reads make it fresh, because pushes can be lost. */
export class RevocationReader {
  private mark: RevocationMark | null = null;
  /** Start of the last successful read. */
  private freshAt: Moment | null = null;
  private fullReadDue = 0;
  private underWay: Promise<void> = Promise.resolve();

  constructor(
    private readonly maxStalenessMs: number,
    private readonly store: RevocationStore,
    private readonly list: RevocationList,
    /** Runs after each full read that succeeded. */
    private readonly allRead: (startedAt: number) => void,
  ) {}

  /** Milliseconds since the last successful read began, including time when the machine was suspended; infinite before the first. */
  get stalenessMs(): number {
    return this.freshAt ? elapsedMs(this.freshAt) : Number.POSITIVE_INFINITY;
  }

  /** Reads the entries since the last read, or all of them if a full read is due. */
  async read(): Promise<void> {
    const start = momentNow();
    const startedAt = start.monotonic;
    const isFullRead = startedAt >= this.fullReadDue;
    const { entries, mark } = await this.store.read(isFullRead ? null : this.mark);
    // Entries are always valid, but an older read must not replace the mark of a newer one.
    this.list.remember(entries);
    if (isFullRead) this.allRead(startedAt);
    if (this.freshAt && startedAt < this.freshAt.monotonic) return;
    // If readAllNext was called meanwhile, the next full read is still due.
    if (isFullRead && startedAt >= this.fullReadDue) {
      // Within the staleness limit, because the list counts as fresh until then.
      this.fullReadDue = startedAt + Math.min(FULL_READ_INTERVAL_MS, this.maxStalenessMs);
    }
    this.mark = mark;
    // The start of the read, because it may miss later writes, also if the process was suspended meanwhile.
    this.freshAt = start;
  }

  /** Stops waiting for a read that takes longer than the staleness limit. A late answer still counts. */
  async readInTime(beforeRead: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const read = () => (this.underWay = beforeRead().then(() => this.read()));
    await withTimeout(read, this.maxStalenessMs, signal);
  }

  /** The next read is a full one. */
  readAllNext(): void {
    this.fullReadDue = performance.now();
  }

  /** Resolves when the last read has ended; never rejects. */
  async settled(): Promise<void> {
    await this.underWay.catch(() => undefined);
  }
}
