/** The result of `read`; `undefined` if it throws. */
export function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return;
  }
}
