/** Control characters, line separators, and marks that change the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/** Untrusted text as one line without control sequences for the terminal. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '').toWellFormed();
}
