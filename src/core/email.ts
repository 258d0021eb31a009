/** The one form in which an address is stored and compared: trimmed, NFKC, lower case. */
export function normalizeEmail(email: string): string {
  return email.normalize('NFKC').trim().toLowerCase();
}
