import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { isCanonicalBase64url } from './base64url.js';
import type { ProofFailure } from './reasons.js';

export type { ProofFailure };

/** The only `alg` of a proof (RFC 7518 §3.4). */
export const PROOF_ALGORITHM = 'ES256';

const PROOF_TYPE = 'dpop+jwt';
const MAX_PROOF_LENGTH = 4096;
/** Longer `jti` values have no use (RFC 9449 §11.1). */
const MAX_ID_LENGTH = 256;
const MAX_NONCE_LENGTH = 256;
/** 32 bytes in base64url: a coordinate of a P-256 key, a SHA-256 hash. */
const HASH_LENGTH = 43;
const SIGNATURE_LENGTH = 86;
/** Private and symmetric members of any JWK (RFC 7518 §6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** A public P-256 key: the members that its thumbprint needs. */
export interface ProofKey {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

/** A URL without query and fragment, normalised. */
export interface ProofTarget {
  readonly origin: string;
  readonly path: string;
}

/** A well-formed DPoP proof (RFC 9449 §4.2) whose signature is not verified yet. */
export interface Proof {
  readonly key: ProofKey;
  /** SHA-256 thumbprint of the key (RFC 7638). */
  readonly jkt: string;
  readonly signingInput: string;
  readonly signature: string;
  /** Unique for each proof of a key. */
  readonly jti: string;
  readonly htm: string;
  readonly htu: ProofTarget;
  readonly nonce: string | null;
  /** Hash of the access token that the proof comes with. */
  readonly ath: string | null;
}

/** The request that a proof must match. */
export interface ProvenRequest {
  readonly method: string;
  /** Whether this request was sent to the URL `target`. */
  isTarget(target: ProofTarget): boolean;
  /** The access token that came with the scheme `DPoP`; null if there is none. */
  readonly accessToken: string | null;
}

/**
 * Reads the value of a `DPoP` header: one compact JWS with nothing missing, too long or in a non-canonical spelling. `iat` is
 * required but not compared: clients' clocks may be wrong, and the nonce carries the server's time.
 */
export function parseProof(text: string): Proof | ProofFault {
  const jws = parseJws(text, PROOF_TYPE);
  if (typeof jws === 'string') return jws;
  const { parameters, payload, ...signed } = jws;
  const key = publicKeyOf(parameters['jwk']);
  const claims = claimsOf(payload);
  if (!key || !claims) return 'proof_malformed';
  return { key, jkt: thumbprint(key), ...signed, ...claims };
}

/** Why a proof cannot be read. */
export type ProofFault = 'proof_malformed' | 'proof_algorithm';

/** What a signature is verified with. */
export type SignedText = Pick<Proof, 'signingInput' | 'signature'>;

/** A compact JWS (ES256) whose signature is not verified yet. */
export interface Jws extends SignedText {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>> | null;
}

/** @param type the required `typ`: a proof of one kind never passes as another (RFC 8725 §3.11) */
export function parseJws(text: string, type: string): Jws | ProofFault {
  if (text.length > MAX_PROOF_LENGTH) return 'proof_malformed';
  const [header = '', payload = '', signature = '', ...others] = text.split('.');
  if (others.length > 0 || ![header, payload, signature].every(isCanonicalBase64url))
    return 'proof_malformed';
  const parameters = jsonObject(header);
  // `crit` requires extensions, and none are supported (RFC 7515 §4.1.11).
  if (parameters?.['typ'] !== type || Object.hasOwn(parameters, 'crit')) return 'proof_malformed';
  if (parameters['alg'] !== PROOF_ALGORITHM) return 'proof_algorithm';
  if (signature.length !== SIGNATURE_LENGTH) return 'proof_malformed';
  return { parameters, payload: jsonObject(payload), signingInput: `${header}.${payload}`, signature };
}

/** Null if the coordinates are not a point on the curve. */
export function importProofKey(key: ProofKey): KeyObject | null {
  try {
    return createPublicKey({ key: { ...key }, format: 'jwk' });
  } catch {
    return null;
  }
}

export function isSignedBy({ signingInput, signature }: SignedText, key: KeyObject): boolean {
  const bytes = Buffer.from(signature, 'base64url');
  return verify('sha256', Buffer.from(signingInput), { key, dsaEncoding: 'ieee-p1363' }, bytes);
}

/** How a proof differs from this request; null if it matches. */
export function proofMismatch(proof: Proof, request: ProvenRequest): ProofFailure | null {
  if (proof.htm !== request.method) return 'other_method';
  if (!request.isTarget(proof.htu)) return 'other_url';
  if (request.accessToken !== null && proof.ath !== accessTokenHash(request.accessToken))
    return 'other_access_token';
  return null;
}

/** `ath` of RFC 9449 §4.2. */
export function accessTokenHash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest('base64url');
}

/** RFC 7638 §3: the required members, in the order of their names, without white space. */
export function thumbprint({ crv, kty, x, y }: ProofKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

/** Excludes white space and backslashes, which a URI cannot contain (RFC 3986 §2): the URL parser would drop or replace them. */
const WEB_URL = /^https?:\/\/[^\s\p{Cc}\\]+$/iu;

/**
 * A URL normalised as in RFC 3986 §6.2.2 and §6.2.3, without query and fragment; null if it is not a URL or contains a user.
 */
export function proofTarget(url: string): ProofTarget | null {
  if (!WEB_URL.test(url) || !URL.canParse(url)) return null;
  const { origin, pathname, username, password } = new URL(url);
  if (username !== '' || password !== '') return null;
  return { origin, path: normalPath(pathname) };
}

/** The path of a request line without its query, in the form of {@link proofTarget}; null if it is not a path. */
export function requestPath(url: string): string | null {
  if (!url.startsWith('/')) return null;
  const [path = ''] = url.split(/[?#]/, 1);
  // Not `new URL(path, base)`, which reads `//host/path` as another host.
  return proofTarget(`http://host${path}`)?.path ?? null;
}

/** Upper-case percent-encodings, and decoded unreserved characters (RFC 3986 §6.2.2.1, §6.2.2.2). */
function normalPath(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function jsonObject(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(utf8.decode(Buffer.from(part, 'base64url')));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Null for a key of another type, a private key, or a key for another purpose (RFC 7517 §4). */
export function publicKeyOf(jwk: unknown): ProofKey | null {
  if (typeof jwk !== 'object' || jwk === null) return null;
  const { kty, crv, x, y, alg, use, key_ops: operations } = jwk as Record<string, unknown>;
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return null;
  if (kty !== 'EC' || crv !== 'P-256' || !isHash(x) || !isHash(y)) return null;
  if (alg !== undefined && alg !== PROOF_ALGORITHM) return null;
  if (use !== undefined && use !== 'sig') return null;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return null;
  return { kty, crv, x, y };
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && value.length === HASH_LENGTH && isCanonicalBase64url(value);
}

function claimsOf(
  claims: Record<string, unknown> | null,
): Pick<Proof, 'jti' | 'htm' | 'htu' | 'nonce' | 'ath'> | null {
  const { jti, htm, htu, iat, nonce, ath } = claims ?? {};
  if (!isText(jti, MAX_ID_LENGTH) || typeof htm !== 'string' || typeof htu !== 'string') return null;
  if (typeof iat !== 'number' || !Number.isFinite(iat) || iat < 0) return null;
  if (nonce !== undefined && !isText(nonce, MAX_NONCE_LENGTH)) return null;
  if (ath !== undefined && !isHash(ath)) return null;
  const target = proofTarget(htu);
  return target && { jti, htm, htu: target, nonce: nonce ?? null, ath: ath ?? null };
}

export function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength;
}
