/** Control characters of ASCII and Latin-1, line separators, and marks that reverse what is read. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A value of a request as it may stand in a log, an event or a list: one line of well-formed Unicode that controls no
 * terminal and reads in the order in which it is written.
 */
export function printable(text: string, maxLength = Infinity): string {
  return text.slice(0, maxLength).replace(UNPRINTABLE, '').toWellFormed();
}
