import { isCanonicalBase64url } from '../../core/base64url.js';
import { MAX_TOKEN_LENGTH } from '../../core/limits.js';

/** The part of a JWS header (RFC 7515) that the library uses: key, algorithm, token type. */
export interface JoseHeader {
  readonly alg: string;
  readonly typ: string;
  readonly kid: string;
}

/**
 * Reads the header of a token. `null` if a field is missing or not a string, or if {@link protectedHeader} is `null`.
 */
export function parseJoseHeader(token: string): JoseHeader | null {
  const header = protectedHeader(token);
  if (!header) return null;
  const { alg, typ, kid } = header as Partial<Record<keyof JoseHeader, unknown>>;
  if (typeof alg !== 'string' || typeof typ !== 'string' || typeof kid !== 'string') return null;
  return { alg, typ, kid };
}

/**
 * The protected header of a compact JWS in canonical base64url; `null` for anything else, and if it requires extensions
 * (`crit`, RFC 7515 §4.1.11). `jku`, `x5u`, `x5c` and `jwk` are never read (RFC 8725 §3.10).
 */
export function protectedHeader(token: string): object | null {
  if (token.length > MAX_TOKEN_LENGTH) return null;
  const parts = token.split('.');
  if (parts.length !== 3 || !parts.every(isCanonicalBase64url)) return null;
  try {
    const header: unknown = JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString('utf8'));
    return typeof header === 'object' && header !== null && !Object.hasOwn(header, 'crit') ? header : null;
  } catch {
    return null;
  }
}
