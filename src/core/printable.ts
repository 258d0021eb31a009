/** Control characters of ASCII and Latin-1, line separators, and marks that change the reading direction. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Makes a value from a request safe for logs, events and lists: one line of well-formed Unicode without terminal control
 * characters, displayed in the order in which it is written.
 */
export function printable(text: string, maxLength = Infinity): string {
  return text.slice(0, maxLength).replace(UNPRINTABLE, '').toWellFormed();
}
