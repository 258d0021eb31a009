import { AuthError } from './errors.js';

const METHOD = /^[\w.:/-]{1,64}$/;
const MAX_METHODS = 10;

/**
 * Checks the authentication methods that a host names, such as `['pwd']`, `['otp']`, `['hwk', 'user']`, `['fed']` (RFC 8176 §2).
 * @throws AuthError `INTERNAL` if `amr` is not such a list: a bug in the host
 */
export function assertMethods(amr: unknown): asserts amr is readonly string[] {
  const isSound =
    Array.isArray(amr) &&
    amr.length > 0 &&
    amr.length <= MAX_METHODS &&
    amr.every((method) => typeof method === 'string' && METHOD.test(method));
  if (isSound) return;
  const detail = `amr must be a list of 1 to ${MAX_METHODS} names such as 'otp' (RFC 8176)`;
  throw new AuthError('INTERNAL', { detail });
}
