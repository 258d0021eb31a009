import { setTimeout as delay } from 'node:timers/promises';

const WITHIN_MS = 30_000;

/** Reads until the condition holds or the time is over; returns the last value. */
export async function eventually<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (const end = performance.now() + WITHIN_MS; ; await delay(20)) {
    const value = await read();
    if (holds(value) || performance.now() > end) return value;
  }
}
