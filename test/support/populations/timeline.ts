import { seeded } from '../seeded.js';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

/** Time and chance of one session: planned events run in order, and the same seed gives the same events. */
export class Timeline {
  now = Date.parse('2026-01-05T00:00:00Z');
  private readonly random: () => number;
  /** A heap with the earliest event first. */
  private readonly planned: Planned[] = [];
  private orders = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random() < probability;
  }

  between(from: number, to: number): number {
    return from + this.random() * (to - from);
  }

  /** A random integer; both ends are included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }

  /** The time until the next of events that occur every `mean` on average. */
  wait(mean: number): number {
    return -mean * Math.log(1 - this.random());
  }

  after(ms: number, act: () => void): void {
    this.at(this.now + ms, act);
  }

  at(at: number, act: () => void): void {
    this.orders += 1;
    const { planned } = this;
    let index = planned.push({ at, order: this.orders, act }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.isBefore(index, parent)) break;
      this.swap(index, parent);
      index = parent;
    }
  }

  run(until: number): void {
    for (let next = this.next(until); next; next = this.next(until)) {
      this.now = Math.max(this.now, next.at);
      next.act();
    }
    this.now = until;
  }

  private next(until: number): Planned | null {
    const { planned } = this;
    const first = planned[0];
    if (!first || first.at > until) return null;
    const last = planned.pop();
    if (last && planned.length > 0) {
      planned[0] = last;
      this.sink();
    }
    return first;
  }

  private sink(): void {
    const { planned } = this;
    for (let index = 0; ;) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      let least = index;
      if (left < planned.length && this.isBefore(left, least)) least = left;
      if (right < planned.length && this.isBefore(right, least)) least = right;
      if (least === index) return;
      this.swap(index, least);
      index = least;
    }
  }

  private isBefore(one: number, other: number): boolean {
    const [a, b] = [this.planned[one], this.planned[other]];
    return !!a && !!b && (a.at < b.at || (a.at === b.at && a.order < b.order));
  }

  private swap(one: number, other: number): void {
    const [a, b] = [this.planned[one], this.planned[other]];
    if (!a || !b) return;
    this.planned[one] = b;
    this.planned[other] = a;
  }
}
