import { AuthError } from '../core/errors.js';
import { isCommonPassword } from '../options/keys/guessable-secret.js';

/** The form in which passwords are measured and hashed (NIST SP 800-63B-4 §3.1.1.2). */
export function normalizePassword(password: string): string {
  return password.normalize('NFKC');
}

export interface PasswordContext {
  /** Name of the field in the request, for the error. */
  readonly field: string;
  readonly email: string;
  readonly name?: string | undefined;
}

export interface PasswordPolicy {
  readonly minLength: number;
  readonly maxLength: number;
  /** Lower case. */
  readonly blocklist: ReadonlySet<string>;
}

/**
 * Limits the length of a password before it is hashed for a check.
 * @throws AuthError `VALIDATION_FAILED` if it is longer than any valid password
 */
export function assertPasswordLength(password: string, { maxLength }: PasswordPolicy, field: string): void {
  if ([...password].length <= maxLength) return;
  throw new AuthError('VALIDATION_FAILED', {
    fields: [{ field, message: `must be at most ${maxLength} characters` }],
  });
}

/**
 * Checks a new password: its length in code points, and that it is not among the first guesses of an attacker. No composition
 * rules (NIST SP 800-63B-4).
 * @throws AuthError `WEAK_PASSWORD` with the reason, `VALIDATION_FAILED` if it is too long
 */
export function assertNewPassword(password: string, policy: PasswordPolicy, context: PasswordContext): void {
  assertPasswordLength(password, policy, context.field);
  const lower = password.toLowerCase();
  const own = [
    context.email,
    context.email.split('@')[0],
    context.name && normalizePassword(context.name).toLowerCase(),
  ];
  if ([...password].length < policy.minLength)
    refuse(`The password needs at least ${policy.minLength} characters.`);
  if (new Set(lower).size === 1) refuse('The password repeats one character.');
  if (own.includes(lower)) refuse('The password must not be your e-mail address or name.');
  if (policy.blocklist.has(lower) || isCommonPassword(lower))
    refuse('The password is one of the first that attackers try.');
}

function refuse(message: string): never {
  throw new AuthError('WEAK_PASSWORD', { message });
}
