/** The header of a compact JWS (RFC 7515), as far as it may be believed: which key, which algorithm, which kind. */
export interface JoseHeader {
  readonly alg: string;
  readonly typ: string;
  readonly kid: string;
}

const MAX_TOKEN_LENGTH = 8192;

/**
 * Reads of the protected header of a token what the library goes by. `null` where one of them is missing or no text, and
 * where {@link protectedHeader} is.
 */
export function parseJoseHeader(token: string): JoseHeader | null {
  const header = protectedHeader(token);
  if (!header) return null;
  const { alg, typ, kid } = header as Partial<Record<keyof JoseHeader, unknown>>;
  if (typeof alg !== 'string' || typeof typ !== 'string' || typeof kid !== 'string') return null;
  return { alg, typ, kid };
}

/**
 * The protected header of a compact JWS. `null` where the token is none in canonical base64url, or asks for extensions
 * (`crit`, RFC 7515 §4.1.11). `jku`, `x5u`, `x5c` and `jwk` are never looked at (RFC 8725 §3.10).
 */
export function protectedHeader(token: string): object | null {
  if (token.length > MAX_TOKEN_LENGTH) return null;
  const parts = token.split('.');
  if (parts.length !== 3 || !parts.every(isCanonical)) return null;
  try {
    const header: unknown = JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString('utf8'));
    return typeof header === 'object' && header !== null && !Object.hasOwn(header, 'crit') ? header : null;
  } catch {
    return null;
  }
}

/** One token, one spelling: loose trailing bits would give a token many names. The last character of a group that is cut short tells. */
const CANONICAL = /^(?:[\w-]{4})*(?:[\w-]{4}|[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])$/;

function isCanonical(part: string): boolean {
  return CANONICAL.test(part);
}
