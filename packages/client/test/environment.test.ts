/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { hostEnvironment } from '../src/environment.js';

/** The two clocks of a device, as a test sets them. */
function clocks() {
  const now = { monotonic: 1000, wall: 1_800_000_000_000 };
  jest.spyOn(performance, 'now').mockImplementation(() => now.monotonic);
  jest.spyOn(Date, 'now').mockImplementation(() => now.wall);
  return now;
}
afterEach(() => void jest.restoreAllMocks());

describe('stopwatch', () => {
  it('keeps counting while a device sleeps and its monotonic clock stops', () => {
    const now = clocks();
    const elapsed = hostEnvironment().stopwatch();
    now.wall += 3_600_000;
    now.monotonic += 20;
    expect(elapsed()).toBe(3_600_000);
  });

  it('keeps counting when the wall clock is set back', () => {
    const now = clocks();
    const elapsed = hostEnvironment().stopwatch();
    now.wall -= 86_400_000;
    now.monotonic += 5_000;
    expect(elapsed()).toBe(5_000);
  });

  it('starts at zero each time', () => {
    const now = clocks();
    const { stopwatch } = hostEnvironment();
    const first = stopwatch();
    now.monotonic += 700;
    const second = stopwatch();
    now.monotonic += 300;
    expect([first(), second()]).toEqual([1000, 300]);
  });
});
