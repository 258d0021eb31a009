import { MAX_TOKEN_LENGTH } from '../core/limits.js';
import type { AccessTokenScheme } from '../tokens/token-signer.js';
import type { HttpRequest } from './http-request.js';

/**
 * The token of `Authorization: Bearer <token>` or `Authorization: DPoP <token>`, never from a URL (RFC 6750 §5.3). Null if
 * there is none; an empty text, which never verifies, if it is too long. No regular expression: the one of passport-jwt
 * takes quadratic time.
 */
export function extractAccessToken(request: Pick<HttpRequest, 'headers'>): string | null {
  const header = request.headers['authorization'];
  if (typeof header !== 'string' || !(hasScheme(header, 'Bearer') || hasScheme(header, 'DPoP'))) return null;
  const token = header.slice(header.indexOf(' ')).trim();
  if (token === '') return null;
  return token.length > MAX_TOKEN_LENGTH ? '' : token;
}

export function schemeOf({ headers }: Pick<HttpRequest, 'headers'>): AccessTokenScheme {
  const header = headers['authorization'];
  // Fast path: guards call this for each request, and nearly all use `Bearer`.
  if (typeof header !== 'string' || (header[0] !== 'D' && header[0] !== 'd')) return 'Bearer';
  return hasScheme(header, 'DPoP') ? 'DPoP' : 'Bearer';
}

/** A scheme is case-insensitive (RFC 9110 §11.1). The spelling of the RFC is tried first because most clients use it. */
function hasScheme(header: string, scheme: AccessTokenScheme): boolean {
  if (header.startsWith(scheme) && header[scheme.length] === ' ') return true;
  return header.slice(0, scheme.length + 1).toLowerCase() === `${scheme.toLowerCase()} `;
}
