import { setTimeout as delay } from 'node:timers/promises';

/** Waits for the promise for at most `ms`. After that, `late` returns the result instead, or throws. */
export async function within<T>(ms: number, promise: Promise<T>, late: () => T): Promise<T> {
  const over = new AbortController();
  const timeout = delay(ms, undefined, { signal: over.signal }).then(late);
  // Rejects with an AbortError when the promise is in time.
  timeout.catch(() => undefined);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    over.abort();
  }
}
