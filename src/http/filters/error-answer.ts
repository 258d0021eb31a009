import { STATUS_CODES } from 'node:http';
import { AUTH_ERRORS, type AuthError, type AuthErrorCode, type FieldProblem } from '../../core/errors.js';
import { PROOF_ALGORITHM } from '../../core/proof.js';
import type { AccessTokenScheme } from '../../tokens/token-signer.js';

/** The shape of every error response. */
export interface ErrorAnswer {
  readonly statusCode: number;
  /** Stable code; see `AUTH_ERRORS`. */
  readonly code: string;
  readonly message: string;
  /** The text of the HTTP status. */
  readonly error: string;
  readonly details?: readonly FieldProblem[];
}

export function errorAnswer({ status, code, message, fields }: AuthError): ErrorAnswer {
  const answer = { statusCode: status, code, message, error: STATUS_CODES[status] ?? '' };
  return fields ? { ...answer, details: fields } : answer;
}

/** The same for gateways and microservices, which have no HTTP status. */
export function errorMessage(error: AuthError): ErrorAnswer & { readonly status: 'error' } {
  return { status: 'error', ...errorAnswer(error) };
}

/**
 * `WWW-Authenticate` on 401 (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3), `DPoP-Nonce` with a refused proof, `Retry-After` on
 * 429 and 503, and always `Cache-Control: no-store`.
 * @param scheme the scheme of the access token in the request
 */
export function errorHeaders(
  { status, code, retryAfter, proofNonce, maxAge }: AuthError,
  scheme: AccessTokenScheme = 'Bearer',
): Record<string, string> {
  const headers: Record<string, string> = { 'Cache-Control': 'no-store' };
  if (status === 401) headers['WWW-Authenticate'] = challenge(code, scheme, maxAge);
  if (proofNonce !== undefined) headers['DPoP-Nonce'] = proofNonce;
  if (retryAfter !== undefined) headers['Retry-After'] = String(Math.ceil(retryAfter));
  return headers;
}

/** The value of `WWW-Authenticate` for a refusal. @param maxAge seconds */
export function challenge(code: AuthErrorCode, scheme: AccessTokenScheme, maxAge?: number): string {
  const { challenge: error } = AUTH_ERRORS[code];
  const isOfProof = error === 'invalid_dpop_proof' || error === 'use_dpop_nonce';
  const parameters = error ? [`error="${error}"`] : [];
  if (maxAge !== undefined) parameters.push(`max_age=${maxAge}`);
  if (scheme === 'DPoP' || isOfProof)
    return `DPoP ${[...parameters, `algs="${PROOF_ALGORITHM}"`].join(', ')}`;
  return parameters.length > 0 ? `Bearer ${parameters.join(', ')}` : 'Bearer';
}
