import type { AuthClientError } from './errors.js';

/**
 * The refusals of a refresh token that end the session: those with which the server clears the cookie, and
 * `REFRESH_TOKEN_MISSING`, which has no cookie to clear.
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

/** Set by the prover, because only it can know: a refused proof may also be the fault of the service. */
export const KEY_LOST = 'PROOF_KEY_LOST';

export type FinalRefusal = (typeof FINAL_REFUSALS)[number];

/**
 * Whether a refused refresh ends the session. After any other refusal the client retries, also after one with
 * `Retry-After`: another instance of the service may know the key.
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
