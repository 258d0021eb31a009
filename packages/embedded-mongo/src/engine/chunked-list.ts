const CHUNK_SIZE = 512;

/** Places an item before (negative), within (0) or after (positive) a range. */
type Place<T> = (item: T) => number;

/** Items in order, in chunks: finding one takes two binary searches, and inserting moves at most one chunk. */
export class ChunkedList<T extends object> {
  /** No chunk is empty. */
  private readonly chunks: T[][] = [];

  constructor(private readonly compare: (a: T, b: T) => number) {}

  insert(item: T): void {
    const place = (other: T) => this.compare(other, item);
    // Beyond the end the item joins the last chunk, so that ascending insertion fills chunks.
    const at = Math.min(this.chunkAt(place), Math.max(this.chunks.length - 1, 0));
    const chunk = (this.chunks[at] ??= []);
    chunk.splice(partition(chunk, place), 0, item);
    if (chunk.length > CHUNK_SIZE) this.chunks.splice(at + 1, 0, chunk.splice(chunk.length >> 1));
  }

  remove(item: T): void {
    const place = (other: T) => this.compare(other, item);
    const at = this.chunkAt(place);
    const chunk = this.chunks[at];
    if (!chunk) return;
    const offset = partition(chunk, place);
    const found = chunk[offset];
    if (!found || place(found) !== 0) return;
    chunk.splice(offset, 1);
    if (chunk.length === 0) this.chunks.splice(at, 1);
  }

  first(place: Place<T>): T | undefined {
    const chunk = this.chunks[this.chunkAt(place)];
    const item = chunk?.[partition(chunk, place)];
    return item && place(item) === 0 ? item : undefined;
  }

  *range(place: Place<T>): Generator<T> {
    let at = this.chunkAt(place);
    let offset = partition(this.chunks[at] ?? [], place);
    for (let chunk = this.chunks[at]; chunk; chunk = this.chunks[at]) {
      for (let item = chunk[offset]; item; item = chunk[offset]) {
        if (place(item) !== 0) return;
        yield item;
        offset += 1;
      }
      at += 1;
      offset = 0;
    }
  }

  /** The same range in reverse. */
  *rangeBackwards(place: Place<T>): Generator<T> {
    const beyond: Place<T> = (item) => (place(item) > 0 ? 0 : -1);
    let at = this.chunkAt(beyond);
    let offset = partition(this.chunks[at] ?? [], beyond) - 1;
    for (;;) {
      const chunk = this.chunks[at] ?? [];
      for (let item = chunk[offset]; item; item = chunk[offset]) {
        if (place(item) !== 0) return;
        yield item;
        offset -= 1;
      }
      at -= 1;
      if (at < 0) return;
      offset = (this.chunks[at]?.length ?? 0) - 1;
    }
  }

  /** The first chunk that is not wholly before the range. */
  private chunkAt(place: Place<T>): number {
    return partition(this.chunks, (chunk) => {
      const last = chunk.at(-1);
      return last ? place(last) : 0;
    });
  }
}

/** The first position whose item is not before the range. */
function partition<T extends object>(items: readonly T[], place: Place<T>): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item && place(item) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
