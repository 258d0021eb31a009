import { randomBytes } from 'node:crypto';

/** A token version or roles version. Random, not a counter, so that two concurrent changes never produce the same version. */
export function randomVersion(): string {
  return randomBytes(12).toString('base64url');
}
