import { type Duration, parseDuration } from '../core/duration.js';
import type { Clock } from '../core/ports.js';

/**
 * A clock that a test moves; give it to `provideTestAuth`, or as the option `clock`. It runs on by itself, as real time does.
 * Only the library reads it: `Date.now()` and the timers of the application stay as they are.
 *
 * @example
 * clock.advance('20m');
 */
export class TestClock implements Clock {
  private aheadMs: number;

  /** @param start where it begins; default: now */
  constructor(start: Date = new Date()) {
    this.aheadMs = start.getTime() - realNow();
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return Math.floor(realNow() + this.aheadMs);
  }

  /**
   * Moves it forward.
   * @param by `'20m'`, or seconds as a number
   * @throws RangeError if that is no length of time
   */
  advance(by: Duration): void {
    const ms = parseDuration(by);
    if (ms === null) throw new RangeError(`TestClock.advance takes a time such as '20m', not ${String(by)}`);
    this.aheadMs += ms;
  }
}

/** It goes on where a test replaces `Date`. */
function realNow(): number {
  return performance.timeOrigin + performance.now();
}
