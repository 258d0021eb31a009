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

/** What the work gives, if it does so in time. @throws Error where it does not; the work itself goes on, unheeded */
export async function inTime<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
