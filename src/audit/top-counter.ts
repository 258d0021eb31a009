/** A key and how often it occurred. The true number is between `count − error` and `count`. */
export interface TopEntry {
  readonly key: string;
  readonly count: number;
  readonly error: number;
}

/**
 * The most frequent keys in bounded memory. When the memory is full, a new key replaces the least frequent one and
 * inherits its count as error. So an attacker who invents any number of keys cannot push out a frequent one (the
 * space-saving algorithm: Metwally, Agrawal, El Abbadi 2005).
 */
export class TopCounter {
  private readonly entries = new Map<string, { count: number; error: number }>();
  /** Possible extra count of each key: full lists of other counters may have dropped it. */
  private missed = 0;

  constructor(private readonly capacity: number) {}

  add(key: string, count = 1, error = 0): void {
    const known = this.entries.get(key) ?? this.makeRoom();
    this.entries.set(key, { count: known.count + count, error: known.error + error });
  }

  /** Adds the `top()` of another counter. */
  addList(list: readonly TopEntry[]): void {
    const least = mostOfOthers(list);
    this.missed += least;
    for (const { key, count, error } of list) this.add(key, count - least, error - least);
  }

  /** The most frequent first. */
  top(limit = this.capacity): TopEntry[] {
    return [...this.entries]
      .map(([key, { count, error }]) => ({ key, count: count + this.missed, error: error + this.missed }))
      .sort((a, b) => b.count - a.count)
      .slice(0, limit);
  }

  /** The start value of a new key: the count that it may already have had. */
  private makeRoom(): { count: number; error: number } {
    if (this.entries.size < this.capacity) return { count: 0, error: 0 };
    const [least, { count }] = [...this.entries].reduce((a, b) => (b[1].count < a[1].count ? b : a));
    this.entries.delete(least);
    return { count, error: count };
  }
}

/** The highest count that a key outside the list can have: 0, unless an error shows that the list was full. */
function mostOfOthers(list: readonly TopEntry[]): number {
  return list.some(({ error }) => error > 0) ? Math.min(...list.map(({ count }) => count)) : 0;
}
