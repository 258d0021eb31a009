import { setTimeout as delay } from 'node:timers/promises';

/** Waits for work that a process which stops should not leave behind, and no longer: its database may be away. */
export async function atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([work, delay(limitMs, undefined, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
