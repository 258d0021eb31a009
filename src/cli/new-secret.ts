import { randomBytes } from 'node:crypto';

export function newSecret(): string {
  return randomBytes(48).toString('base64url');
}
