/** Calls a function of the page. If it throws, the error is reported as uncaught and does not stop the client. */
export function guarded(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** The listeners of one kind of event. */
export function createListeners<T>() {
  const entries = new Set<(value: T) => void>();
  return {
    /** Calls the listener at once, as Svelte stores do. Returns the function that removes it. */
    add: (listener: (value: T) => void, now: T): (() => void) => {
      guarded(() => listener(now));
      // A new function for each call, as the same listener may be added twice.
      const entry = (value: T) => listener(value);
      entries.add(entry);
      return () => entries.delete(entry);
    },
    call(value: T): void {
      for (const entry of [...entries]) guarded(() => entry(value));
    },
  };
}
