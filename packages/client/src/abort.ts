/** Runtimes with an old `AbortController`, such as React Native, keep no reason. */
const reasonOf = (signal: AbortSignal): Error =>
  (signal.reason as Error | undefined) ?? Object.assign(new Error('Aborted.'), { name: 'AbortError' });

export function abortWith(controller: AbortController, reason: Error): void {
  if (!('reason' in controller.signal)) Object.assign(controller.signal, { reason });
  controller.abort(reason);
}

/** `signal.throwIfAborted()`, which old runtimes lack. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}

/** Rejects with the signal's reason once it is aborted. The operation goes on, as other callers may wait for it. */
export function orAborted<T>(promise: Promise<T>, signal?: AbortSignal | null): Promise<T> {
  if (!signal) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(reasonOf(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
