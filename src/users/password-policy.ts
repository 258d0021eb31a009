import { AuthError } from '../core/errors.js';

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

/**
 * Length in code points, and nothing that an attacker tries first. No composition rules (NIST SP 800-63B-4).
 * @throws AuthError `WEAK_PASSWORD` with the reason, `VALIDATION_FAILED` where it is too long
 */
export function assertPassword(
  password: string,
  policy: { readonly minLength: number; readonly maxLength: number },
  context: PasswordContext,
): void {
  const length = [...password].length;
  if (length > policy.maxLength) {
    const message = `must be at most ${policy.maxLength} characters`;
    throw new AuthError('VALIDATION_FAILED', { fields: [{ field: context.field, message }] });
  }
  if (length < policy.minLength)
    throw new AuthError('WEAK_PASSWORD', {
      message: `The password needs at least ${policy.minLength} characters.`,
    });
  const lower = password.toLowerCase();
  if (
    lower === context.email ||
    lower === context.email.split('@')[0] ||
    lower === context.name?.toLowerCase()
  )
    throw new AuthError('WEAK_PASSWORD', {
      message: 'The password must not be your e-mail address or name.',
    });
  if (new Set(lower).size === 1)
    throw new AuthError('WEAK_PASSWORD', { message: 'The password repeats one character.' });
}
