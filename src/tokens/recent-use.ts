/** Maximum characters of a user agent in each recent use. The device of a session keeps twice as many, once. */
const MAX_USED_AGENT = 128;

/**
 * A user agent as recent uses store it: five long ones would otherwise fill half of a session document. Compare it only
 * with another shortened one, never with a full one.
 */
export function usedAgent(userAgent: string | null): string | null {
  return userAgent?.slice(0, MAX_USED_AGENT).toWellFormed() ?? null;
}
