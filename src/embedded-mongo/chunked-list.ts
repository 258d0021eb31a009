const CHUNK_SIZE = 512;

/**
 * Items in order, in chunks: finding one takes two binary searches, and inserting moves at most one chunk.
 * A range is described by a function that places an item before it (negative), within (0) or after (positive).
 */
export class ChunkedList<T> {
  private readonly chunks: T[][] = [];
  private count = 0;

  constructor(private readonly compare: (a: T, b: T) => number) {}

  get size(): number {
    return this.count;
  }

  insert(item: T): void {
    const place = (other: T) => this.compare(other, item);
    // Beyond the end the item joins the last chunk, so that ascending insertion fills chunks.
    const at = Math.min(this.chunkAt(place), Math.max(this.chunks.length - 1, 0));
    const chunk = (this.chunks[at] ??= []);
    chunk.splice(partition(chunk, place), 0, item);
    this.count++;
    if (chunk.length > CHUNK_SIZE) this.chunks.splice(at + 1, 0, chunk.splice(chunk.length >> 1));
  }

  remove(item: T): boolean {
    const place = (other: T) => this.compare(other, item);
    const at = this.chunkAt(place);
    const chunk = this.chunks[at];
    if (!chunk) return false;
    const offset = partition(chunk, place);
    if (offset >= chunk.length || place(chunk[offset]!) !== 0) return false;
    chunk.splice(offset, 1);
    this.count--;
    if (chunk.length === 0) this.chunks.splice(at, 1);
    return true;
  }

  first(place: (item: T) => number): T | undefined {
    const chunk = this.chunks[this.chunkAt(place)];
    const item = chunk?.[partition(chunk, place)];
    return item !== undefined && place(item) === 0 ? item : undefined;
  }

  *range(place: (item: T) => number): Generator<T> {
    let at = this.chunkAt(place);
    let chunk = this.chunks[at];
    let offset = chunk ? partition(chunk, place) : 0;
    for (; chunk; chunk = this.chunks[++at], offset = 0) {
      for (; offset < chunk.length; offset++) {
        const item = chunk[offset]!;
        if (place(item) !== 0) return;
        yield item;
      }
    }
  }

  /** The same range from its end. */
  *rangeBackwards(place: (item: T) => number): Generator<T> {
    const beyond = (item: T) => (place(item) > 0 ? 0 : -1);
    let at = this.chunkAt(beyond);
    const last = this.chunks[at];
    let offset = last ? partition(last, beyond) - 1 : -1;
    for (;;) {
      for (const chunk = this.chunks[at]; chunk && offset >= 0; offset--) {
        const item = chunk[offset]!;
        if (place(item) !== 0) return;
        yield item;
      }
      if (--at < 0) return;
      offset = this.chunks[at]!.length - 1;
    }
  }

  /** The first chunk that does not lie wholly before the range. */
  private chunkAt(place: (item: T) => number): number {
    return partition(this.chunks, (chunk) => place(chunk[chunk.length - 1]!));
  }
}

/** The first place from which on nothing lies before the range. */
function partition<T>(items: readonly T[], place: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (place(items[middle]!) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
