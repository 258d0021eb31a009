import type { Duration } from '../core/duration.js';
import type { BreachChecker, PasswordHasher, PasswordVerifier } from '../core/ports.js';
import type { OptionReader } from './option-reader.js';

export interface PasswordOptions {
  /**
   * Minimum length in Unicode code points. NIST SP 800-63B-4 requires 15 if the password is the only factor.
   * @default 8
   */
  minLength?: number;
  /**
   * Maximum length in Unicode code points; at least 64.
   * @default 128
   */
  maxLength?: number;
  /**
   * Passwords to refuse in addition to the most used ones, such as the name of the product. Case does not matter.
   * @default []
   */
  blocklist?: readonly string[];
  /**
   * A `BreachChecker`, such as `new PwnedPasswordsBreachChecker()`, which refuses new passwords that are known from a breach.
   * If a check fails or times out, this is logged and the password is accepted.
   * @default false
   */
  breachCheck?: false | BreachChecker;
  /**
   * How long a registration or a change of password waits for the breach check.
   * @default '2s'
   */
  breachCheckTimeout?: Duration;
  /**
   * bcrypt's cost: each step doubles the time of a login. Weaker existing hashes are upgraded at the next login.
   * @default 12
   */
  bcryptCost?: number;
  /**
   * How many passwords are hashed at the same time.
   * @default cores − 1, at least 1, and one less than the threads of libuv's pool
   */
  hashConcurrency?: number;
  /**
   * How many passwords may wait to be hashed; further logins get 503 with `Retry-After`.
   * @default 100
   */
  hashQueueLimit?: number;
  /**
   * A `PasswordHasher` that replaces bcrypt.
   * @default bcrypt
   */
  hasher?: PasswordHasher;
  /**
   * Verifiers for password hashes of another system, such as `scryptVerifier()`, `pbkdf2Verifier()` and `argon2Verifier()`; bcrypt
   * (`$2a$`, `$2b$`, `$2y$`) needs none. The next login replaces them by a current hash.
   * @default []
   */
  verifiers?: readonly PasswordVerifier[];
}

export function readPassword(read: OptionReader<PasswordOptions>) {
  const resolved = {
    minLength: read.integer('minLength', 8, { min: 8, max: 64 }),
    maxLength: read.integer('maxLength', 128, { min: 64, max: 4096 }),
    blocklist: new Set(read.texts('blocklist').map((word) => word.normalize('NFKC').toLowerCase())),
    breachCheck: readBreachCheck(read),
    breachCheckTimeoutMs: read.duration('breachCheckTimeout', '2s', { minMs: 100 }),
    bcryptCost: read.integer('bcryptCost', 12, { min: 4, max: 18 }),
    /** Null: derived from the machine, where passwords are hashed. */
    hashConcurrency:
      read.given('hashConcurrency') === undefined
        ? null
        : read.integer('hashConcurrency', 1, { min: 1, max: 256 }),
    hashQueueLimit: read.integer('hashQueueLimit', 100, { min: 1, max: 100_000 }),
    hasher: read.supplied('hasher'),
    verifiers: readVerifiers(read),
  };
  if (resolved.minLength > resolved.maxLength) read.refuse('minLength', 'must not exceed password.maxLength');
  return resolved;
}

function readBreachCheck(read: OptionReader<PasswordOptions>): false | BreachChecker {
  const given = read.given('breachCheck');
  if (given === undefined || given === false) return false;
  const { isBreached } = Object(given) as Partial<BreachChecker>;
  if (typeof isBreached === 'function') return given as BreachChecker;
  read.refuse('breachCheck', 'give false, or a BreachChecker such as new PwnedPasswordsBreachChecker()');
  return false;
}

function readVerifiers(read: OptionReader<PasswordOptions>): readonly PasswordVerifier[] {
  const given = read.given('verifiers');
  if (given === undefined) return [];
  if (Array.isArray(given) && given.every(isVerifier)) return given;
  read.refuse(
    'verifiers',
    'give a list of objects with the methods matches and verify, such as [scryptVerifier()]',
  );
  return [];
}

function isVerifier(value: unknown): value is PasswordVerifier {
  const { matches, verify } = Object(value) as Partial<PasswordVerifier>;
  return typeof matches === 'function' && typeof verify === 'function';
}
