import type { ResolvedLimit } from '../options/throttle.options.js';

/** Number of parts in which a window is counted. More parts end a refusal more precisely, but make the counters larger. */
const PARTS = 6;

/** Counts by part number: the start of a part divided by its length. */
export type Counts = Readonly<Record<string, number>>;

/**
 * A limit within a sliding window: it holds in every period of that length, not only between fixed borders. A part counts in
 * full until all of it is outside of the window, so a refusal lasts up to a sixth longer than the window.
 */
export class SlidingWindow {
  readonly limit: number;
  private readonly windowMs: number;
  private readonly partMs: number;

  constructor({ limit, windowMs }: ResolvedLimit) {
    this.limit = limit;
    this.windowMs = windowMs;
    this.partMs = Math.ceil(windowMs / PARTS);
  }

  /** The part that contains a moment. */
  partAt(nowMs: number): number {
    return Math.floor(nowMs / this.partMs);
  }

  countAt(counts: Counts, nowMs: number): number {
    return this.partsWithin(counts, nowMs).reduce((sum, part) => sum + (counts[part] ?? 0), 0);
  }

  /** Milliseconds until the next count is within the limit; 0 if it already is. */
  waitMs(counts: Counts, nowMs: number): number {
    let count = this.countAt(counts, nowMs);
    for (const part of this.partsWithin(counts, nowMs)) {
      if (count < this.limit) break;
      count -= counts[part] ?? 0;
      if (count < this.limit) return this.endOf(part) - nowMs;
    }
    return 0;
  }

  /** When a count that is made now leaves the window. */
  expiryAt(nowMs: number): number {
    return this.endOf(this.partAt(nowMs));
  }

  /** Parts that may still be stored although they are outside of the window, if the last count was inside it. */
  stalePartsAt(nowMs: number): number[] {
    const oldest = this.oldestAt(nowMs);
    return Array.from({ length: PARTS + 2 }, (_, index) => oldest - 1 - index);
  }

  /** Oldest first. */
  private partsWithin(counts: Counts, nowMs: number): number[] {
    const oldest = this.oldestAt(nowMs);
    const parts = Object.keys(counts).map(Number);
    return parts.filter((part) => part >= oldest).sort((a, b) => a - b);
  }

  private oldestAt(nowMs: number): number {
    return Math.floor((nowMs - this.windowMs) / this.partMs);
  }

  /** When a part is completely outside of the window. */
  private endOf(part: number): number {
    return (part + 1) * this.partMs + this.windowMs;
  }
}
