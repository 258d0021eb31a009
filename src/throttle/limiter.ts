import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/ports.js';
import type { ResolvedLimit } from '../options/throttle.options.js';
import { type Counts, SlidingWindow } from './sliding-window.js';

/** The result of a count, accepted or refused. */
export interface Consumption {
  /** The count of the key within the window, including this one. */
  readonly count: number;
  /** When it was made; pass it to {@link Limiter.giveBack}. */
  readonly atMs: number;
  /** Null if it is within the limit; otherwise it was not counted. */
  readonly retryAfterMs: number | null;
}

/** Counts per key, up to a limit within a sliding window. */
export interface Limiter {
  /** Counts once if that is within the limit. Refused attempts are not counted, so they do not prolong the refusal. */
  consume(key: string): Promise<Consumption>;
  /** Takes back a count that was made at `atMs`. */
  giveBack(key: string, atMs: number): Promise<void>;
  /** Forgets every count of the key. */
  reset(key: string): Promise<void>;
  /** Forgets every count of all keys with the prefix. */
  resetAll(prefix: string): Promise<void>;
}

/** Beyond this, the least recently used key is forgotten. */
const MAX_KEYS = 100_000;

/** Counts in the memory of this process. */
export class MemoryLimiter implements Limiter {
  private readonly window: SlidingWindow;
  private readonly keys = new LRUCache<string, Counts>({ max: MAX_KEYS });

  constructor(
    limit: ResolvedLimit,
    private readonly clock: Clock,
  ) {
    this.window = new SlidingWindow(limit);
  }

  async consume(key: string): Promise<Consumption> {
    return this.count(key);
  }

  /** Like {@link consume}, but synchronous. */
  count(key: string): Consumption {
    const atMs = this.clock.now();
    const counts = this.keys.get(key) ?? {};
    const count = this.window.countAt(counts, atMs) + 1;
    const isOver = count > this.window.limit;
    if (!isOver) this.add(key, counts, atMs, 1);
    return { count, atMs, retryAfterMs: isOver ? this.window.waitMs(counts, atMs) : null };
  }

  /** Milliseconds until the next count is within the limit; 0 if it already is. Counts nothing. */
  waitMs(key: string): number {
    const counts = this.keys.get(key);
    return counts ? this.window.waitMs(counts, this.clock.now()) : 0;
  }

  async giveBack(key: string, atMs: number): Promise<void> {
    const counts = this.keys.get(key);
    if (counts?.[this.window.partAt(atMs)]) this.add(key, counts, atMs, -1);
  }

  async reset(key: string): Promise<void> {
    this.keys.delete(key);
  }

  async resetAll(prefix: string): Promise<void> {
    for (const key of [...this.keys.keys()]) if (key.startsWith(prefix)) this.keys.delete(key);
  }

  private add(key: string, counts: Counts, atMs: number, points: number): void {
    const part = this.window.partAt(atMs);
    const stale = new Set(this.window.stalePartsAt(this.clock.now()).map(String));
    const kept = Object.entries(counts).filter(([each]) => !stale.has(each));
    this.keys.set(key, { ...Object.fromEntries(kept), [part]: (counts[part] ?? 0) + points });
  }
}
