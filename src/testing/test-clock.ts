import { type Duration, parseDuration } from '../core/duration.js';
import type { Clock } from '../core/ports.js';

/**
 * A clock that a test can move. Pass it to `provideTestAuth`, or as the option `clock`. It also runs by itself, like real
 * time. Only the library uses it: `Date.now()` and the timers of the application do not change.
 *
 * @example
 * clock.advance('20m');
 */
export class TestClock implements Clock {
  private aheadMs: number;

  /** @param start the initial time; now by default */
  constructor(start: Date = new Date()) {
    this.aheadMs = start.getTime() - realNow();
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return Math.floor(realNow() + this.aheadMs);
  }

  /**
   * Moves the clock forward.
   * @param by such as `'20m'`, or seconds as a number
   * @throws RangeError if it is not a duration
   */
  advance(by: Duration): void {
    const ms = parseDuration(by);
    if (ms === null)
      throw new RangeError(`TestClock.advance needs a duration such as '20m', not ${String(by)}`);
    this.aheadMs += ms;
  }
}

/** Real time even if a test replaces `Date`. */
function realNow(): number {
  return performance.timeOrigin + performance.now();
}
