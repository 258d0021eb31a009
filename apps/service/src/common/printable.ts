/** Control characters, line separators, and marks that reverse what is read. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/** Text of somebody else as one line that controls no terminal. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '').toWellFormed();
}
