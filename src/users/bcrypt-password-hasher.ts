import { createHash } from 'node:crypto';
import { compare, getRounds, hash } from 'bcrypt';
import type { PasswordHasher } from '../core/ports.js';

/** bcrypt ignores what follows the 72nd byte, in silence. */
const BCRYPT_BYTES = 72;
/** Marks a stored hash whose password was pre-hashed. */
const PREHASHED = 'sha384:';
/** How PHP and htpasswd mark the very same algorithm. */
const PHP_PREFIX = /^\$2y\$/;

/**
 * bcrypt that verifies a password as typed, never truncated: from 72 bytes on (and with NUL bytes, at which C ends a
 * string) it hashes base64(SHA-384(password)), and marks the stored hash. As a plain hash made here therefore stands
 * for fewer than 72 bytes, a longer password can match only a plain hash that came from elsewhere.
 */
export class BcryptPasswordHasher implements PasswordHasher {
  constructor(private readonly cost: number) {}

  async hash(password: string): Promise<string> {
    return needsPrehash(password)
      ? PREHASHED + (await hash(prehash(password), this.cost))
      : await hash(password, this.cost);
  }

  async verify(password: string, stored: string): Promise<boolean> {
    try {
      if (stored.startsWith(PREHASHED))
        return await compare(prehash(password), stored.slice(PREHASHED.length));
      // bcrypt repeats a short key with a NUL between: to it 'abc' and 'abc\0abc' are one.
      return !password.includes('\0') && (await compare(password, stored.replace(PHP_PREFIX, '$2b$')));
    } catch {
      return false;
    }
  }

  needsUpgrade(stored: string): boolean {
    try {
      return getRounds(stored.startsWith(PREHASHED) ? stored.slice(PREHASHED.length) : stored) < this.cost;
    } catch {
      return true;
    }
  }
}

function needsPrehash(password: string): boolean {
  return Buffer.byteLength(password) >= BCRYPT_BYTES || password.includes('\0');
}

function prehash(password: string): string {
  return createHash('sha384').update(password, 'utf8').digest('base64');
}
