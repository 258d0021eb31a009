import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemoryLimiter } from '../../src/throttle/limiter.js';
import { SlidingWindow } from '../../src/throttle/sliding-window.js';

const T0 = Date.parse('2100-01-01T00:00:00Z');
const WINDOW_MS = 60_000;

function limiterOf(limit: number, windowMs = WINDOW_MS) {
  const clock = {
    nowMs: T0,
    now() {
      return this.nowMs;
    },
  };
  return { clock, limiter: new MemoryLimiter({ limit, windowMs }, clock) };
}

describe('a limit within a sliding window', () => {
  it('is never doubled at the border of two windows', () => {
    const { clock, limiter } = limiterOf(100);
    const admitted: number[] = [];
    // Attempts without a pause, for three and a half windows.
    for (; clock.nowMs < T0 + 3.5 * WINDOW_MS; clock.nowMs += 250)
      if (limiter.count('a').retryAfterMs === null) admitted.push(clock.nowMs);
    for (const from of admitted)
      expect(admitted.filter((at) => at >= from && at < from + WINDOW_MS).length).toBeLessThanOrEqual(100);
    expect(admitted.length).toBeGreaterThan(200);
  });

  it('holds in every span of that length, whenever the attempts come', () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 30, maxLength: 80 });
    fc.assert(
      fc.property(pauses, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 70_001 }), check),
    );
    function check(steps: number[], limit: number, windowMs: number): void {
      const { clock, limiter } = limiterOf(limit, windowMs);
      const admitted: number[] = [];
      for (const step of steps) {
        clock.nowMs += step;
        const { retryAfterMs } = limiter.count('a');
        if (retryAfterMs === null) admitted.push(clock.nowMs);
        else expect(retryAfterMs).toBeGreaterThan(0);
      }
      for (const from of admitted)
        expect(admitted.filter((at) => at >= from && at < from + windowMs).length).toBeLessThanOrEqual(limit);
    }
  });

  it('ends when it says, or a sixth of the window later at most', () => {
    const { clock, limiter } = limiterOf(2);
    limiter.count('a');
    clock.nowMs += 30_000;
    limiter.count('a');
    const { retryAfterMs } = limiter.count('a');
    expect(retryAfterMs).toBe(40_000);
    clock.nowMs += 39_999;
    expect(limiter.count('a').retryAfterMs).toBe(1);
    expect(limiter.waitMs('a')).toBe(1);
    clock.nowMs += 1;
    expect(limiter.waitMs('a')).toBe(0);
    expect(limiter.count('a')).toMatchObject({ count: 2, retryAfterMs: null });
    expect(limiter.count('b')).toMatchObject({ count: 1, retryAfterMs: null });
  });

  it('gives back a count where it was made', async () => {
    const { clock, limiter } = limiterOf(1);
    const { atMs } = limiter.count('a');
    clock.nowMs += 30_000;
    await limiter.giveBack('a', atMs);
    await limiter.giveBack('a', atMs);
    expect(limiter.count('a').retryAfterMs).toBeNull();
    clock.nowMs += 40_000;
    expect(limiter.count('a').retryAfterMs).not.toBeNull();
    await limiter.reset('a');
    expect(limiter.count('a').retryAfterMs).toBeNull();
  });

  it('gives back nothing that was not counted, so that no key exceeds the limit', async () => {
    const { clock, limiter } = limiterOf(1);
    await limiter.giveBack('a', clock.nowMs);
    expect(await limiter.consume('a')).toMatchObject({ count: 1, retryAfterMs: null });
    await limiter.giveBack('a', clock.nowMs - 20_000);
    expect((await limiter.consume('a')).retryAfterMs).not.toBeNull();
  });

  it('after an excess, ends when enough parts have left the window for one more attempt', () => {
    const window = new SlidingWindow({ limit: 3, windowMs: WINDOW_MS });
    const part = window.partAt(T0);
    const ends = (after: number) => (after + 1) * 10_000 + WINDOW_MS - 20_000;
    const waitMs = (...counts: number[]) =>
      window.waitMs(Object.fromEntries(counts.map((count, index) => [part + index, count])), T0 + 20_000);
    expect(waitMs(2, 1, 1)).toBe(ends(0));
    expect(waitMs(1, 1, 1)).toBe(ends(0));
    expect(waitMs(1, 3)).toBe(ends(1));
    expect(waitMs(1, 1, 4)).toBe(ends(2));
    expect(waitMs(1, 1)).toBe(0);
    expect(window.expiryAt(T0)).toBe(T0 + 10_000 + WINDOW_MS);
  });
});
