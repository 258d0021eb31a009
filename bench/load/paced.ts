import { setTimeout as delay } from 'node:timers/promises';

/** Requests at a fixed rate, whether or not earlier ones are answered. */
export interface Pace {
  readonly perSecond: number;
  readonly ms: number;
}

/** The latency of a request from when it was due, so that the queue of a slow server counts. */
export interface Paced<T> {
  readonly latencyMs: number;
  /** Null if there was no answer. */
  readonly answer: T | null;
}

/** Resolves when every request has its answer or has failed. */
export async function sendAtPace<T>(
  { perSecond, ms }: Pace,
  send: (n: number) => Promise<T>,
): Promise<Paced<T>[]> {
  const startedAt = performance.now();
  const count = Math.floor((perSecond * ms) / 1000);
  const results: Promise<Paced<T>>[] = [];
  while (results.length < count) {
    const dueAt = startedAt + (results.length * 1000) / perSecond;
    const early = dueAt - performance.now();
    if (early > 1) await delay(early - 0.5);
    const n = results.length;
    results.push(
      send(n).then(
        (answer) => ({ latencyMs: performance.now() - dueAt, answer }),
        () => ({ latencyMs: performance.now() - dueAt, answer: null }),
      ),
    );
  }
  return Promise.all(results);
}
