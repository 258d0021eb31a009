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

/** The lists of several processes as one. */
export function mergeTops(lists: readonly (readonly TopEntry[])[], limit: number): TopEntry[] {
  const merged = new Map<string, TopEntry>();
  for (const { key, count, error } of lists.flat()) {
    const known = merged.get(key);
    merged.set(key, { key, count: count + (known?.count ?? 0), error: error + (known?.error ?? 0) });
  }
  return [...merged.values()].sort((a, b) => b.count - a.count).slice(0, limit);
}
