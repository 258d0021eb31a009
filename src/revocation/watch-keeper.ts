import { Logger } from '@nestjs/common';
import type { RevocationEntry, RevocationStore, RevocationWatch } from '../core/ports.js';

export interface WatchEvents {
  entriesAdded(entries: readonly RevocationEntry[]): void;
  opened(watch: RevocationWatch): void;
  lost(): void;
}

/** `closed`: it can be opened. `unsupported`: this store cannot push. */
type State = 'closed' | 'opening' | 'open' | 'unsupported' | 'stopped';

/** Keeps one watch on a store that can push. A lost watch is closed and reported, and can be opened again. */
export class WatchKeeper {
  private readonly logger = new Logger('RevocationFeed');
  private state: State;
  private watch: RevocationWatch | null = null;
  private opening: Promise<void> = Promise.resolve();
  /** Reports an outage only once. */
  private isFailing = false;

  constructor(
    private readonly store: RevocationStore,
    private readonly events: WatchEvents,
  ) {
    this.state = store.watch ? 'closed' : 'unsupported';
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  /** Opens the watch unless it is open, being opened or not supported. Never rejects: the next call tries again. */
  open(): Promise<void> {
    if (this.state === 'closed') {
      this.state = 'opening';
      this.opening = this.tryToOpen();
    }
    return this.opening;
  }

  /** Closes the watch, also one that is still being opened. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    await Promise.allSettled([this.opening, this.watch?.close()]);
  }

  private async tryToOpen(): Promise<void> {
    let watch: RevocationWatch | null | undefined;
    let isLost = false;
    const watchLost = (reason: unknown) => {
      isLost = true;
      if (watch && this.watch === watch) this.lose(watch, reason);
    };
    try {
      watch = await this.store.watch?.({
        entriesAdded: (entries) => this.events.entriesAdded(entries),
        watchLost,
      });
    } catch (error) {
      if (!this.isFailing) this.logger.warn(`revocations are not pushed for now: ${String(error)}`);
      this.isFailing = true;
      this.leaveOpening('closed');
      return;
    }
    if (!watch) return this.leaveOpening('unsupported');
    // Lost before it was returned, or the process is stopping.
    if (isLost || this.state === 'stopped') {
      this.leaveOpening('closed');
      return watch.close();
    }
    this.watch = watch;
    this.state = 'open';
    this.isFailing = false;
    this.events.opened(watch);
  }

  /** Does not leave `stopped`, which is final. */
  private leaveOpening(next: State): void {
    if (this.state === 'opening') this.state = next;
  }

  private lose(watch: RevocationWatch, reason: unknown): void {
    this.watch = null;
    if (this.state === 'stopped') return;
    this.state = 'closed';
    this.logger.warn(`${watch.description} of revocations lost: ${String(reason)}`);
    watch.close().catch(() => undefined);
    this.events.lost();
  }
}
