/** How much of a user agent each recent use remembers; the device of a session keeps twice as much, once. */
export const MAX_USED_AGENT = 128;

/**
 * A user agent as recent uses hold it: five of the longest would else be half of a session. Who compares a request with
 * them compares this of the request's too, never the whole.
 */
export function usedAgent(userAgent: string | null): string | null {
  return userAgent?.slice(0, MAX_USED_AGENT).toWellFormed() ?? null;
}
