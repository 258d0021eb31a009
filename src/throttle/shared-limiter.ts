import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/ports.js';
import type { ResolvedLimit } from '../options/throttle.options.js';
import { type Consumption, type Limiter, MemoryLimiter } from './limiter.js';
import type { MongoCounterStore } from './mongo-counter.store.js';
import { SlidingWindow } from './sliding-window.js';

const MAX_REFUSED_KEYS = 10_000;
/** For this long, a refused key costs no further commands. Short, because another instance may reset the key. */
const REFUSED_MS = 5_000;

/** Counts that all instances share; while the database is unreachable, each process counts on its own. */
export class SharedLimiter implements Limiter {
  private readonly window: SlidingWindow;
  private readonly local: MemoryLimiter;
  /** For each refused key, when the refusal ends, and the count at that time. */
  private readonly refused = new LRUCache<string, { readonly untilMs: number; readonly count: number }>({
    max: MAX_REFUSED_KEYS,
    ttl: REFUSED_MS,
  });

  /** @param prefix prefix of every key of this limiter in the store */
  constructor(
    private readonly prefix: string,
    limit: ResolvedLimit,
    private readonly store: MongoCounterStore,
    private readonly clock: Clock,
  ) {
    this.window = new SlidingWindow(limit);
    this.local = new MemoryLimiter(limit, clock);
  }

  async consume(key: string): Promise<Consumption> {
    const atMs = this.clock.now();
    const last = this.refused.get(key);
    if (last && last.untilMs > atMs) return { count: last.count, atMs, retryAfterMs: last.untilMs - atMs };
    try {
      return await this.count(key, atMs);
    } catch {
      return this.local.count(key);
    }
  }

  async giveBack(key: string, atMs: number): Promise<void> {
    this.refused.delete(key);
    await this.local.giveBack(key, atMs);
    const part = this.window.partAt(atMs);
    await ignoringFaults(() => this.store.takeBack(this.keyOf(key), part));
  }

  async reset(key: string): Promise<void> {
    this.refused.delete(key);
    await this.local.reset(key);
    await ignoringFaults(() => this.store.remove(this.keyOf(key)));
  }

  async resetAll(prefix: string): Promise<void> {
    for (const key of [...this.refused.keys()]) if (key.startsWith(prefix)) this.refused.delete(key);
    await this.local.resetAll(prefix);
    // Errors are passed on: the caller must know that the reset failed.
    await this.store.removeAll(this.keyOf(prefix));
  }

  private async count(key: string, atMs: number): Promise<Consumption> {
    const counts = await this.store.add(this.keyOf(key), this.window, atMs);
    const count = this.window.countAt(counts, atMs);
    if (count <= this.window.limit) return { count, atMs, retryAfterMs: null };
    await this.giveBack(key, atMs);
    const part = this.window.partAt(atMs);
    const before = { ...counts, [part]: (counts[part] ?? 0) - 1 };
    // At least 1 ms: others that were refused at the same time have not given their counts back yet.
    const retryAfterMs = Math.max(1, this.window.waitMs(before, atMs));
    this.refused.set(key, { untilMs: atMs + retryAfterMs, count });
    return { count, atMs, retryAfterMs };
  }

  private keyOf(key: string): string {
    return `${this.prefix}:${key}`;
  }
}

/** Ignores errors: if the database is unreachable, a count that stays too high ends with its window. */
async function ignoringFaults(work: () => Promise<unknown>): Promise<void> {
  await work().catch(() => undefined);
}
