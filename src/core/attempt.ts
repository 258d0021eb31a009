import { hash } from 'node:crypto';

/** An attempt as a client sends it: 16 random bytes, base64url without padding. */
export const ATTEMPT = /^[A-Za-z0-9_-]{21}[AQgw]$/;

const KEPT_BYTES = 16;

/**
 * The stored form of an attempt: the first 16 bytes of its SHA-256, base64url. An attempt distinguishes a retry of one client
 * from a second holder of the same token: a thief cannot know an attempt that was drawn after the token was copied.
 */
export function hashAttempt(attempt: string): string {
  return hash('sha256', attempt, 'buffer').toString('base64url', 0, KEPT_BYTES);
}
