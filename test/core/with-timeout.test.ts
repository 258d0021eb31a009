import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { TimeoutError, withTimeout } from '../../src/core/with-timeout.js';

const never = () => new Promise<never>(() => undefined);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  const left = jest.getTimerCount();
  jest.useRealTimers();
  expect(left).toBe(0);
});

describe(withTimeout, () => {
  it('returns the result of the work, a promise or not', async () => {
    expect(await withTimeout(() => Promise.resolve(1), 50)).toBe(1);
    expect(await withTimeout(() => 2, 50)).toBe(2);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws at once',
      () => {
        throw new Error('broken');
      },
    ],
  ])('rejects with the error of work that %s', async (_how, work) => {
    await expect(withTimeout(work, 50)).rejects.toThrow('broken');
  });

  it("rejects when the time is over, not before, and aborts the work's signal", async () => {
    let signal: AbortSignal | undefined;
    let outcome: unknown = null;
    void withTimeout((given) => {
      signal = given;
      return never();
    }, 50).catch((error: unknown) => (outcome = error));
    await jest.advanceTimersByTimeAsync(49);
    expect([outcome, signal?.aborted]).toEqual([null, false]);
    await jest.advanceTimersByTimeAsync(1);
    expect(outcome).toBeInstanceOf(TimeoutError);
    expect(String(outcome)).toBe('TimeoutError: no answer within 50 ms');
    expect(signal?.reason).toBe(outcome);
  });

  it("rejects with the reason of an outer signal, and aborts the work's signal", async () => {
    const outer = new AbortController();
    const reason = new Error('the process stops');
    let signal: AbortSignal | undefined;
    const outcome = withTimeout(
      (given) => {
        signal = given;
        return never();
      },
      50,
      outer.signal,
    );
    outer.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    expect(signal?.aborted).toBe(true);
  });

  it('leaves no listener on an outer signal, which may live as long as the process', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    await withTimeout(() => void (listeners = getEventListeners(signal, 'abort').length), 50, signal);
    expect([listeners, getEventListeners(signal, 'abort').length]).toEqual([1, 0]);
  });

  it('does not start work if the outer signal is already aborted', async () => {
    const work = jest.fn(never);
    await expect(withTimeout(work, 50, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    expect(work).not.toHaveBeenCalled();
  });
});
