/** How much of a user agent each recent use remembers; the device of a session keeps twice as much, once. */
const MAX_USED_AGENT = 128;

/**
 * A user agent as recent uses hold it: five of the longest would otherwise be half of a session. Compare it with the same
 * part of another one, never with the whole.
 */
export function usedAgent(userAgent: string | null): string | null {
  return userAgent?.slice(0, MAX_USED_AGENT).toWellFormed() ?? null;
}
