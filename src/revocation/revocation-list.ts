import type { RevocationEntry, RevocationKey } from '../core/ports.js';

/** What a token can be revoked by, in the memory of this process. */
export class RevocationList {
  /** Key → time of expiry in milliseconds. */
  private readonly entries = new Map<RevocationKey, number>();

  remember(entries: readonly RevocationEntry[]): void {
    for (const { key, expiresAt } of entries)
      // A shorter life that is learnt of later does not cut a longer one.
      this.entries.set(key, Math.max(expiresAt.getTime(), this.entries.get(key) ?? 0));
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
    return keys.some((key) => this.entries.has(key));
  }

  /** Forgets what concerns expired tokens only. */
  sweep(nowMs: number): void {
    for (const [key, expiresAt] of this.entries) if (expiresAt <= nowMs) this.entries.delete(key);
  }
}
