import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { StandstillWatch } from '../../src/database/standstill-watch.js';

describe('StandstillWatch', () => {
  let monotonic: number;
  let wall: number;
  let watch: StandstillWatch;

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    monotonic = 0;
    wall = 1_000_000;
    watch = new StandstillWatch({ monotonic: () => monotonic, wall: () => wall });
    watch.onModuleInit();
  });

  afterEach(() => {
    watch.onModuleDestroy();
    jest.useRealTimers();
  });

  /** Advances both clocks and the timers. */
  const run = (ms: number) => {
    for (let step = 0; step < ms / 100; step += 1) {
      monotonic += 100;
      wall += 100;
      jest.advanceTimersByTime(100);
    }
  };
  const stop = (ms: number) => {
    monotonic += ms;
    wall += ms;
  };

  it('sees nothing while the process runs, however long nobody asks', () => {
    expect(watch.isFreshlyThawed).toBe(false);
    run(60_000);
    expect(watch.isFreshlyThawed).toBe(false);
  });

  it('notices a stopped process, also when a request runs before the timer does', () => {
    run(700);
    stop(2_000);
    expect(watch.isFreshlyThawed).toBe(true);
  });

  it('notices a stopped process by its timer, when a request comes later', () => {
    stop(2_000);
    jest.advanceTimersByTime(500);
    run(1_000);
    expect(watch.isFreshlyThawed).toBe(true);
  });

  it('notices a suspended machine, whose monotonic clock stood still', () => {
    run(700);
    wall += 120_000;
    expect(watch.isFreshlyThawed).toBe(true);
  });

  it('forgets a standstill after 2 s', () => {
    stop(60_000);
    expect(watch.isFreshlyThawed).toBe(true);
    run(1_900);
    expect(watch.isFreshlyThawed).toBe(true);
    run(100);
    expect(watch.isFreshlyThawed).toBe(false);
  });

  it('ignores a short pause and a wall clock that is set back', () => {
    stop(1_400);
    expect(watch.isFreshlyThawed).toBe(false);
    wall -= 3_600_000;
    expect(watch.isFreshlyThawed).toBe(false);
  });

  it('treats a gap of 2 s as a standstill, and no shorter one', () => {
    stop(1_999);
    expect(watch.isFreshlyThawed).toBe(false);
    stop(2_000);
    expect(watch.isFreshlyThawed).toBe(true);
  });

  it('looks twice a second, so that idle time does not add up to a standstill', () => {
    for (const _ of ['once', 'and again']) {
      stop(1_900);
      jest.advanceTimersByTime(500);
    }
    expect(watch.isFreshlyThawed).toBe(false);
  });

  it('notices every standstill, also one right after another', () => {
    stop(5_000);
    expect(watch.isFreshlyThawed).toBe(true);
    stop(5_000);
    expect(watch.isFreshlyThawed).toBe(true);
  });

  it('reports nothing once its timer is stopped', () => {
    watch.onModuleDestroy();
    // Not even if it is asked repeatedly: the time between two calls is not a standstill.
    for (const _ of ['once', 'and again']) {
      stop(60_000);
      expect(watch.isFreshlyThawed).toBe(false);
    }
  });
});
