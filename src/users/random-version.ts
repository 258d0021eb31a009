import { randomBytes } from 'node:crypto';

/** A token version or a version of roles. Random, not a counter: two changes at once cannot produce the same version. */
export function randomVersion(): string {
  return randomBytes(12).toString('base64url');
}
