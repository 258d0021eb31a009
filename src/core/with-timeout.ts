/** The work did not finish in time. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/**
 * Runs the work for at most `ms`. The signal it gets is aborted when the time is over or `outer` aborts; work that ignores
 * the signal goes on, and its result is dropped.
 * @throws TimeoutError after `ms`, and the reason of `outer` when that aborts first
 */
export async function withTimeout<T>(
  work: (signal: AbortSignal) => T | Promise<T>,
  ms: number,
  outer?: AbortSignal,
): Promise<T> {
  outer?.throwIfAborted();
  const over = new AbortController();
  const onOuterAbort = () => over.abort(outer?.reason);
  outer?.addEventListener('abort', onOuterAbort);
  const timer = setTimeout(() => over.abort(new TimeoutError(`no answer within ${ms} ms`)), ms);
  const aborted = new Promise<never>((_resolve, reject) =>
    over.signal.addEventListener('abort', () => reject(over.signal.reason as Error)),
  );
  try {
    // An async function, so that work which throws at once rejects like any other.
    return await Promise.race([(async () => work(over.signal))(), aborted]);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', onOuterAbort);
  }
}
