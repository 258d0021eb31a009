/**
 * The one form in which an address is stored and compared: trimmed, NFKC, lower case. NFKC again at the end, because a
 * small letter may have a composed form that the capital does not have: `H` and U+0331 become U+1E96.
 */
export function normalizeEmail(email: string): string {
  return email.normalize('NFKC').trim().toLowerCase().normalize('NFKC');
}
