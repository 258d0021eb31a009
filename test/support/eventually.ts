import { setTimeout as delay } from 'node:timers/promises';

const WITHIN_MS = 30_000;

/** Reads again and again until what is read holds, or for so long that it will not; gives what was read last. */
export async function eventually<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (const end = performance.now() + WITHIN_MS; ; await delay(20)) {
    const value = await read();
    if (holds(value) || performance.now() > end) return value;
  }
}
