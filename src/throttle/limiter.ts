import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/ports.js';
import type { ResolvedLimit } from '../options/throttle.options.js';
import { type Counts, SlidingWindow } from './sliding-window.js';

/** A count, made or refused. */
export interface Consumption {
  /** Of the key within the window, this time included. */
  readonly count: number;
  /** When it was made: {@link Limiter.giveBack} takes it from there. */
  readonly atMs: number;
  /** Null: it is within the limit. Otherwise it was not counted. */
  readonly retryAfterMs: number | null;
}

/** Counts by keys, up to a limit within a sliding window. */
export interface Limiter {
  /** Counts once, unless that would be over the limit: what is refused does not lengthen the refusal. */
  consume(key: string): Promise<Consumption>;
  /** Takes a count back. */
  giveBack(key: string, atMs: number): Promise<void>;
  /** Forgets every count of the key. */
  reset(key: string): Promise<void>;
  /** The same for every key that begins so. */
  resetAll(prefix: string): Promise<void>;
}

/** Beyond it, the key that was not used for longest is forgotten. */
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

  /** As {@link consume}, without a promise. */
  count(key: string): Consumption {
    const atMs = this.clock.now();
    const counts = this.keys.get(key) ?? {};
    const count = this.window.countAt(counts, atMs) + 1;
    const isOver = count > this.window.limit;
    if (!isOver) this.add(key, counts, atMs, 1);
    return { count, atMs, retryAfterMs: isOver ? this.window.waitMs(counts, atMs) : null };
  }

  /** Milliseconds until one more is within the limit; 0 where it is already. Counts nothing. */
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
