import { describe, expect, it } from '@jest/globals';
import { elapsedMs, momentNow, OWN_CLOCKS } from '../../src/database/process-clocks.js';

describe('the clocks of a process', () => {
  it("are the platform's by default", () => {
    const before = [performance.now(), Date.now()] as const;
    const now = momentNow();
    const own = { monotonic: OWN_CLOCKS.monotonic(), wall: OWN_CLOCKS.wall() };
    for (const { monotonic, wall } of [now, own]) {
      expect(monotonic).toBeGreaterThanOrEqual(before[0]);
      expect(monotonic).toBeLessThanOrEqual(performance.now());
      expect(wall).toBeGreaterThanOrEqual(before[1]);
      expect(wall).toBeLessThanOrEqual(Date.now());
    }
  });

  it('are read together', () => {
    expect(momentNow({ monotonic: () => 1, wall: () => 2 })).toEqual({ monotonic: 1, wall: 2 });
  });
});

describe(elapsedMs.name, () => {
  const since = { monotonic: 1_000, wall: 50_000 };

  it.each([
    ['a process that ran', { monotonic: 1_500, wall: 50_500 }, 500],
    [
      'a machine that was suspended, whose monotonic clock stood still',
      { monotonic: 1_000, wall: 60_000 },
      10_000,
    ],
    ['a wall clock that was set back', { monotonic: 1_700, wall: 20_000 }, 700],
  ])('uses the clock on which more time has passed: %s', (_what, now, expected) => {
    expect(elapsedMs(since, now)).toBe(expected);
  });

  it('counts up to now, unless another moment is given', () => {
    const elapsed = elapsedMs({ monotonic: performance.now(), wall: Date.now() - 60_000 });
    expect(elapsed).toBeGreaterThanOrEqual(60_000);
    expect(elapsed).toBeLessThan(120_000);
  });
});
