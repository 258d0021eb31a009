/** A key and how often it came; the true number is between `count − error` and `count`. */
export interface TopEntry {
  readonly key: string;
  readonly count: number;
  readonly error: number;
}

/**
 * The most frequent keys of a stream in bounded memory, however many keys an attacker makes up: the space-saving algorithm
 * (Metwally, Agrawal, El Abbadi 2005). Every key that makes up more than 1/capacity of the stream is in the list.
 */
export class TopCounter {
  private readonly entries = new Map<string, { count: number; error: number }>();

  constructor(private readonly capacity: number) {}

  add(key: string): void {
    const known = this.entries.get(key);
    if (known) {
      known.count += 1;
    } else if (this.entries.size < this.capacity) {
      this.entries.set(key, { count: 1, error: 0 });
    } else {
      const [least, { count }] = this.least();
      this.entries.delete(least);
      this.entries.set(key, { count: count + 1, error: count });
    }
  }

  /** The most frequent first. */
  top(limit = this.capacity): TopEntry[] {
    return [...this.entries]
      .map(([key, { count, error }]) => ({ key, count, error }))
      .sort((a, b) => b.count - a.count)
      .slice(0, limit);
  }

  private least(): [string, { count: number }] {
    let found: [string, { count: number }] | undefined;
    for (const entry of this.entries) if (!found || entry[1].count < found[1].count) found = entry;
    if (!found) throw new Error('a counter without capacity');
    return found;
  }
}

/**
 * The lists of several days and processes as one, one after the other and in bounded memory: a mergeable summary (Agarwal,
 * Cormode, Huang, Phillips, Wei, Yi 2012). The true number of an entry is in its bounds here too.
 */
export class TopMerger {
  /** Less {@link missed}, which all keys have in common. */
  private entries = new Map<string, { count: number; error: number }>();
  /** What every key may have more than its lists say: full lists without it let go of it, or never had room for it. */
  private missed = 0;
  /** What keys that were let go of here had at most. */
  private forgotten = 0;

  /** @param kept so many keys are told apart for certain */
  constructor(private readonly kept = 1000) {}

  add(list: readonly TopEntry[]): void {
    const least = leastOf(list);
    for (const { key, count, error } of list) {
      const known = this.entries.get(key) ?? { count: this.forgotten, error: this.forgotten };
      this.entries.set(key, { count: known.count + count - least, error: known.error + error - least });
    }
    this.missed += least;
    if (this.entries.size > 2 * this.kept) this.forget();
  }

  /** The most frequent first. */
  top(limit: number): TopEntry[] {
    return this.sorted()
      .slice(0, limit)
      .map(([key, { count, error }]) => ({ key, count: count + this.missed, error: error + this.missed }));
  }

  private forget(): void {
    const sorted = this.sorted();
    this.entries = new Map(sorted.slice(0, this.kept));
    this.forgotten = Math.max(this.forgotten, sorted[this.kept]?.[1].count ?? 0);
  }

  private sorted(): [string, { count: number; error: number }][] {
    return [...this.entries].sort(([, a], [, b]) => b.count - a.count);
  }
}

/** How often a key that is not in the list may have come; an error in it shows that it had no room for all. */
function leastOf(list: readonly TopEntry[]): number {
  return list.some(({ error }) => error > 0) ? Math.min(...list.map(({ count }) => count)) : 0;
}
