import { createHash } from 'node:crypto';
import { compare, getRounds, hash } from 'bcrypt';
import type { PasswordHasher } from '../core/ports.js';

/** bcrypt silently ignores everything after the 72nd byte. */
const BCRYPT_BYTES = 72;
/** Marks a stored hash whose password was pre-hashed. */
const PREHASHED = 'sha384:';
/** The prefix that PHP and htpasswd use for the same algorithm. */
const PHP_PREFIX = /^\$2y\$/;

/**
 * bcrypt that never truncates a password. From 72 bytes on, and with NUL bytes, at which C ends a string, it hashes
 * base64(SHA-384(password)) and marks the stored hash. A plain hash made here therefore stands for less than 72 bytes; a
 * longer password can match only a plain hash from another system.
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
      const plain = stored.startsWith(PREHASHED)
        ? stored.slice(PREHASHED.length)
        : stored.replace(PHP_PREFIX, '$2b$');
      const matches = stored.startsWith(PREHASHED)
        ? await compare(prehash(password), plain)
        : // bcrypt repeats a short key with a NUL in between, so it cannot distinguish 'abc' from 'abc\0abc'.
          (await compare(password, plain)) && !password.includes('\0');
      if (!matches) await this.makeUpTime(getRounds(plain));
      return matches;
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

  /** Makes refusing with a cheaper hash as slow as with a current one: 2^c + (2^c + … + 2^(C−1)) = 2^C rounds. */
  private async makeUpTime(rounds: number): Promise<void> {
    for (let cost = rounds; cost < this.cost; cost += 1) await hash('', cost);
  }
}

function needsPrehash(password: string): boolean {
  return Buffer.byteLength(password) >= BCRYPT_BYTES || password.includes('\0');
}

function prehash(password: string): string {
  return createHash('sha384').update(password, 'utf8').digest('base64');
}
