import type { Clock, RevocationEntry, RevocationKey, RevocationStore } from '../core/ports.js';

/** When this many entries wait, the store has been down for long. Further ones are dropped; the caller got the error. */
const MAX_WAITING = 10_000;
const BATCH = 500;

/** Writes revocations to the store. If that fails, the caller gets the error, and the write is retried until it succeeds. */
export class RevocationOutbox {
  private readonly waiting = new Map<RevocationKey, RevocationEntry>();

  constructor(
    private readonly store: RevocationStore,
    private readonly clock: Clock,
  ) {}

  get size(): number {
    return this.waiting.size;
  }

  async send(entries: readonly RevocationEntry[]): Promise<void> {
    this.queue(entries);
    await this.write(entries);
  }

  /** Adds entries to the next {@link flush}. */
  queue(entries: readonly RevocationEntry[]): void {
    for (const entry of entries) if (this.waiting.size < MAX_WAITING) this.waiting.set(entry.key, entry);
  }

  /** Retries failed writes. */
  async flush(): Promise<void> {
    const entries = [...this.waiting.values()];
    for (let first = 0; first < entries.length; first += BATCH)
      await this.write(entries.slice(first, first + BATCH));
  }

  /** Drops entries that are no longer needed. */
  sweep(isNeeded: (key: RevocationKey) => boolean): void {
    for (const key of this.waiting.keys()) if (!isNeeded(key)) this.waiting.delete(key);
  }

  private async write(entries: readonly RevocationEntry[]): Promise<void> {
    await this.store.add(entries, new Date(this.clock.now()));
    for (const entry of entries) if (this.waiting.get(entry.key) === entry) this.waiting.delete(entry.key);
  }
}
