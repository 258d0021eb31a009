import type { Clock, RevocationEntry, RevocationKey, RevocationStore } from '../core/ports.js';

/** Beyond this the store has been gone for long; whoever revoked what is not kept was told that it failed. */
const MAX_WAITING = 10_000;
const BATCH = 500;

/** Writes revocations to the store, again and again where it fails: the caller is told so, and they are not lost. */
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
    for (const entry of entries) if (this.waiting.size < MAX_WAITING) this.waiting.set(entry.key, entry);
    await this.write(entries);
  }

  /** Tries again what failed. */
  async flush(): Promise<void> {
    const entries = [...this.waiting.values()];
    for (let first = 0; first < entries.length; first += BATCH)
      await this.write(entries.slice(first, first + BATCH));
  }

  sweep(nowMs: number): void {
    for (const [key, { expiresAt }] of this.waiting)
      if (expiresAt.getTime() <= nowMs) this.waiting.delete(key);
  }

  private async write(entries: readonly RevocationEntry[]): Promise<void> {
    await this.store.add(entries, new Date(this.clock.now()));
    for (const entry of entries) if (this.waiting.get(entry.key) === entry) this.waiting.delete(entry.key);
  }
}
