import type { AuthClientError } from './errors.js';

/**
 * The refusals of a refresh token that end the session. Those of the server that clear the cookie, and
 * `REFRESH_TOKEN_MISSING`, where there is no cookie to clear.
 */
export const FINAL_REFUSALS = [
  'REFRESH_TOKEN_MISSING',
  'REFRESH_TOKEN_INVALID',
  'REFRESH_TOKEN_EXPIRED',
  'REFRESH_TOKEN_UNKNOWN',
  'REFRESH_TOKEN_REUSED',
  'SESSION_REVOKED',
  'SUSPICIOUS_ACTIVITY',
] as const;

/** Said by the prover, which alone knows it: a refused proof may as well be the fault of the service. */
export const KEY_LOST = 'PROOF_KEY_LOST';

export type FinalRefusal = (typeof FINAL_REFUSALS)[number];

/**
 * Whether a refused refresh ends the session. After anything else it is tried again, also after a refusal that says when:
 * another instance of the service may know the key.
 */
export function isFinal({ code, status, retryAfter }: AuthClientError): boolean {
  const isRefused = status === 401 || status === 403;
  return !retryAfter && isRefused && [...FINAL_REFUSALS, KEY_LOST].includes(code);
}

/** Whether an API refused a request because of its access token. */
export const refusesAccessToken = (code: unknown): code is string =>
  typeof code === 'string' && code.startsWith('ACCESS_TOKEN_');

/** Why a 401 refuses the access token: our code, or the challenge of any API (RFC 6750 §3.1); `undefined` if it does not. */
export const refusalOf = (code: unknown, challenge: unknown): string | undefined =>
  [code, /invalid_token/.test(String(challenge)) && 'ACCESS_TOKEN_INVALID'].find(refusesAccessToken);
