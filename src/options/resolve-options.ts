import { type AuthOptions, readAuthOptions } from './auth-options.js';
import { ConfigurationError, type ConfigurationProblem, OptionReader } from './option-reader.js';
import { unknownKeys } from './unknown-keys.js';

/** Injection token of the {@link ResolvedAuthOptions}. */
export const AUTH_OPTIONS = Symbol('AUTH_OPTIONS');

/** A type whose groups are frozen. */
export type Frozen<T> = { readonly [Key in keyof T]: FrozenValue<T[Key]> };
type Callable = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown);
type FrozenValue<T> = T extends Callable ? T : Readonly<T>;

/** The options as the code reads them: checked, complete, in milliseconds, frozen. */
export type ResolvedAuthOptions = Frozen<ReturnType<typeof readAuthOptions>>;

/** What is wrong with the options: every problem at once, none if they can be used. */
export function checkOptions(options: AuthOptions): readonly ConfigurationProblem[] {
  try {
    resolveOptions(options);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

/** The module's own settings, given next to the options: their names, to suggest them, and what is wrong with them. */
export interface ModuleOptions {
  readonly names: readonly string[];
  readonly problems: readonly ConfigurationProblem[];
}
const NO_MODULE: ModuleOptions = { names: [], problems: [] };

/**
 * Checks the options, fills in the defaults and freezes the result.
 * @throws ConfigurationError with all problems: key, value, fix
 */
export function resolveOptions(given: AuthOptions, module: ModuleOptions = NO_MODULE): ResolvedAuthOptions {
  const read = new OptionReader<AuthOptions>(given);
  const resolved = readAuthOptions(read);
  refuseContradictions(read, resolved);
  read.problems.unshift(...module.problems, ...unknownKeys(given, read.names, '', module.names));
  read.done();
  return deepFreeze(resolved);
}

/** Contradictions between groups; those within a group are refused by its reader. */
function refuseContradictions(read: OptionReader<AuthOptions>, resolved: ResolvedAuthOptions): void {
  if (resolved.revocation.mode === 'off' && resolved.accessToken.retirePrevious)
    read.refuse(
      'accessToken.retirePrevious',
      "revokes access tokens: set revocation.mode to 'feed' or 'strict', or leave it out",
      'true',
    );
  if (resolved.accessToken.senderConstraint === 'on' && resolved.refreshToken.senderConstraint === 'off')
    read.refuse(
      'accessToken.senderConstraint',
      "binds the access tokens of bound sessions: set refreshToken.senderConstraint to 'optional' or 'required', or leave it out",
      "'on'",
    );
  if (resolved.userStore && read.given('users') !== undefined)
    read.refuse(
      'users',
      'describes the collection of the library: leave it out, as userStore keeps the users',
    );
  if (resolved.emailVerification !== 'required') return;
  if (!resolved.mailer)
    read.refuse('emailVerification', 'needs a way to send links: give a mailer, or leave it out');
  if (resolved.userStore && !resolved.userStore.setEmailVerifiedAt)
    read.refuse('userStore', "emailVerification: 'required' needs its method setEmailVerifiedAt");
}

/** Freezes plain objects and arrays, but nothing that belongs to the host, such as stores or a clock. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  const inner: unknown[] = Object.values(value);
  if (!isPlain || inner.some((item) => typeof item === 'function')) return value;
  inner.forEach(deepFreeze);
  return Object.freeze(value);
}
