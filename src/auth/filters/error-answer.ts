import { STATUS_CODES } from 'node:http';
import type { AuthError, FieldProblem } from '../../core/errors.js';

/** The one shape of an error answer. */
export interface ErrorAnswer {
  readonly statusCode: number;
  /** Stable; see `AUTH_ERRORS`. */
  readonly code: string;
  readonly message: string;
  /** The status in words. */
  readonly error: string;
  readonly details?: readonly FieldProblem[];
}

export function errorAnswer({ status, code, message, fields }: AuthError): ErrorAnswer {
  const answer = { statusCode: status, code, message, error: STATUS_CODES[status] ?? '' };
  return fields ? { ...answer, details: fields } : answer;
}

/** `WWW-Authenticate` (RFC 6750 §3) on 401, `Retry-After` on 429 and 503; never stored. */
export function errorHeaders({ status, code, retryAfter }: AuthError): Record<string, string> {
  const headers: Record<string, string> = { 'Cache-Control': 'no-store' };
  if (status === 401) {
    const wasSent = /_TOKEN_(?!MISSING)|SESSION_REVOKED/.test(code);
    headers['WWW-Authenticate'] = wasSent ? 'Bearer error="invalid_token"' : 'Bearer';
  }
  if (retryAfter !== undefined) headers['Retry-After'] = String(Math.ceil(retryAfter));
  return headers;
}
