import { hash } from 'node:crypto';

/** An attempt as a client sends it: 16 random bytes, base64url without padding. */
export const ATTEMPT = /^[A-Za-z0-9_-]{21}[AQgw]$/;

const KEPT_BYTES = 16;

/**
 * What a session keeps of an attempt: the first 16 bytes of its SHA-256, base64url. The attempt tells a retry of one client
 * from a second holder of the same token, who cannot know it, because it was drawn after the copy was made.
 */
export function hashAttempt(attempt: string): string {
  return hash('sha256', attempt, 'buffer').toString('base64url', 0, KEPT_BYTES);
}
