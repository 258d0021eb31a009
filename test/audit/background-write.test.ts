import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BackgroundWrite } from '../../src/audit/background-write.js';

let logged: string[];
let attempts: number;
let outcome: () => Promise<void>;
let write: BackgroundWrite;

beforeEach(() => {
  jest.useFakeTimers();
  logged = [];
  attempts = 0;
  outcome = async () => undefined;
  const log = (message: unknown) => void logged.push(String(message));
  write = new BackgroundWrite(
    () => {
      attempts += 1;
      return outcome();
    },
    () => 'two rows wait',
    { log: log, warn: log },
  );
});
afterEach(() => {
  jest.useRealTimers();
});

describe(BackgroundWrite.name, () => {
  it('writes once for everything due in the meantime, and earlier if something is due earlier', async () => {
    write.due(1000);
    write.due(1000);
    await jest.advanceTimersByTimeAsync(999);
    expect(attempts).toBe(0);
    write.due(0);
    await jest.advanceTimersByTimeAsync(1);
    expect(attempts).toBe(1);
    await jest.advanceTimersByTimeAsync(5000);
    expect(attempts).toBe(1);
  });

  it('never writes twice at once; what became due in the meantime follows', async () => {
    let finish = (): void => undefined;
    outcome = () => new Promise((resolve) => (finish = resolve));
    write.due(0);
    await jest.advanceTimersByTimeAsync(1);
    write.due(0);
    await jest.advanceTimersByTimeAsync(50);
    expect(attempts).toBe(1);
    finish();
    await jest.advanceTimersByTimeAsync(1);
    expect(attempts).toBe(2);
  });

  it('retries a failure each second, and logs it once a minute and at its end', async () => {
    outcome = () => Promise.reject(new Error('out of reach'));
    write.due(0);
    await jest.advanceTimersByTimeAsync(1);
    write.due(0);
    await jest.advanceTimersByTimeAsync(500);
    expect(attempts).toBe(1);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(attempts).toBeGreaterThan(9);
    expect(write.failures).toBe(attempts);
    expect(logged).toEqual([expect.stringMatching(/two rows wait.*out of reach/)]);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(logged).toHaveLength(2);
    outcome = async () => undefined;
    await jest.advanceTimersByTimeAsync(1100);
    expect(logged).toHaveLength(3);
    const done = attempts;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(attempts).toBe(done);
  });

  it('logs a hanging database like a failing one, and sends nothing until it answers', async () => {
    let finish = (): void => undefined;
    outcome = () => new Promise((resolve) => (finish = resolve));
    write.due(0);
    await jest.advanceTimersByTimeAsync(9_000);
    expect(write.failures).toBe(0);
    write.due(0);
    await jest.advanceTimersByTimeAsync(56_000);
    expect({ attempts, failures: write.failures }).toEqual({ attempts: 1, failures: 6 });
    expect(logged).toEqual([expect.stringMatching(/two rows wait: no answer/)]);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(logged).toHaveLength(2);
    outcome = async () => undefined;
    finish();
    await jest.advanceTimersByTimeAsync(1);
    expect(logged[2]).toMatch(/takes the audit log again/);
    // Writes what became due in the meantime.
    expect(attempts).toBe(2);
    await jest.advanceTimersByTimeAsync(60_000);
    expect({ attempts, failures: write.failures }).toEqual({ attempts: 2, failures: 7 });
  });

  it('makes no attempt after it was stopped, whatever was in progress and whatever arrives', async () => {
    let refuse = (_: Error): void => undefined;
    outcome = () => new Promise((_, reject) => (refuse = reject));
    write.due(0);
    await jest.advanceTimersByTimeAsync(1);
    write.stop();
    refuse(new Error('the client was closed'));
    await jest.advanceTimersByTimeAsync(10_000);
    expect(attempts).toBe(1);
    outcome = async () => undefined;
    await write.flush();
    write.due(0);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(attempts).toBe(2);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('a flush writes at once, after the write in progress', async () => {
    write.due(1000);
    await write.flush();
    expect(attempts).toBe(1);
    await jest.advanceTimersByTimeAsync(5000);
    expect(attempts).toBe(1);
  });
});
