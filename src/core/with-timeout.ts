/** The work did not finish in time. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

/**
 * Runs the work for at most `ms`. Its signal is aborted at the timeout or when `outer` aborts; work that ignores the signal
 * continues, and its result is dropped.
 * @throws TimeoutError after `ms`, or the reason of `outer` if that aborts first
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
    // The async function turns a synchronous throw into a rejection.
    return await Promise.race([(async () => work(over.signal))(), aborted]);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', onOuterAbort);
  }
}
