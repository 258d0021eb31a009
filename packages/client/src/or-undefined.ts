/** What is read; `undefined` if that throws. */
export function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return;
  }
}
