import type { RevocationEntry, RevocationKey } from '../core/ports.js';

interface Held {
  /** In milliseconds. */
  readonly expiresAt: number;
  /** On the monotonic clock of this process. */
  readonly until: number;
  /** When it was last read, pushed or added here, on the same clock. */
  seenAt: number;
}

/** The revocations in the memory of this process. */
export class RevocationList {
  private readonly entries = new Map<RevocationKey, Held>();

  /**
   * @param lifeMs how long the entry for a newly minted token is needed
   * @param keysAdded called with keys that were not known before
   */
  constructor(
    private readonly lifeMs: number,
    private readonly keysAdded: (keys: readonly RevocationKey[]) => void = () => undefined,
  ) {}

  remember(entries: readonly RevocationEntry[]): void {
    const seenAt = performance.now();
    const until = seenAt + this.lifeMs;
    const added: RevocationKey[] = [];
    for (const { key, expiresAt } of entries) {
      const known = this.entries.get(key);
      const ms = expiresAt.getTime();
      if (!known) added.push(key);
      // An earlier expiry must not replace a later one.
      if (!known || known.expiresAt < ms) this.entries.set(key, { expiresAt: ms, until, seenAt });
      else known.seenAt = seenAt;
    }
    if (added.length > 0) this.keysAdded(added);
  }

  get size(): number {
    return this.entries.size;
  }

  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  has(key: RevocationKey): boolean {
    return this.entries.has(key);
  }

  hasAny(keys: readonly RevocationKey[]): boolean {
    for (const key of keys) if (this.entries.has(key)) return true;
    return false;
  }

  get all(): RevocationEntry[] {
    return [...this.entries].map(([key, { expiresAt }]) => ({ key, expiresAt: new Date(expiresAt) }));
  }

  /** Entries still needed that nobody has seen since then, on the monotonic clock. */
  unseenSince(since: number, nowMs: number): RevocationEntry[] {
    const unseen: RevocationEntry[] = [];
    for (const [key, { expiresAt, seenAt }] of this.entries)
      if (seenAt < since && expiresAt > nowMs) unseen.push({ key, expiresAt: new Date(expiresAt) });
    return unseen;
  }

  /**
   * Removes entries that concern only expired tokens. The time must also have passed on the monotonic clock: the shared clock
   * can jump ahead and come back, and then those tokens are valid again. For an entry that was read, the monotonic time
   * starts at the read, because a wrong clock cannot tell how old the entry is.
   */
  sweep(nowMs: number): void {
    for (const [key, { expiresAt, until }] of this.entries)
      if (expiresAt <= nowMs && until <= performance.now()) this.entries.delete(key);
  }
}
