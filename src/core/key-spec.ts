import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';

export type SigningAlgorithm =
  | 'HS256'
  | 'HS384'
  | 'HS512'
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512';

/** An HMAC secret of at least 32 random bytes, or a JSON Web Key (RFC 7517): `oct`, `RSA` or `EC`. */
export type KeyInput = string | (JsonWebKey & { kid?: string; alg?: string });

/** A key made once: one algorithm belongs to it, whatever a token's header says (RFC 8725 §3.1). */
export interface RingKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** Absent where only the public half is known: such a key verifies, it does not sign. */
  readonly signingKey: KeyObject | null;
  readonly verifyingKey: KeyObject;
  /** Null for HMAC keys. */
  readonly publicJwk: JsonWebKey | null;
}

/** Why a key cannot be used, with the mend; reported at boot. */
export class KeyProblem extends Error {
  constructor(
    message: string,
    readonly mend: string,
  ) {
    super(message);
  }
}

export const MIN_SECRET_BYTES = 32;
const MEND_SECRET = `use at least ${MIN_SECRET_BYTES} random bytes, for example: node -p "crypto.randomBytes(48).toString('base64url')"`;
/** Letters that samples and tutorials are made of: a secret that consists of nothing else was copied. */
const SAMPLE_WORDS =
  /^(?:your|my|this|is|a|an|the|super|very|long|top|secret|secrets|key|keys|jwt|token|change|me|it|in|on|production|please|password|default|example|placeholder|keyboard|cat|here|at|least|chars|characters|bytes|and|access|refresh|for|to|replace|with|of|must|be|safe|strong|random)+$/;

function looksLikePlaceholder(secret: string): boolean {
  return new Set(secret).size < 4 || SAMPLE_WORDS.test(secret.toLowerCase().replace(/[^a-z]/g, ''));
}

export function createRingKey(input: KeyInput): RingKey {
  return typeof input === 'string' ? hmacKey(Buffer.from(input, 'utf8'), input) : jwkKey(input);
}

function hmacKey(bytes: Buffer, text: string | null, kid?: string, alg: SigningAlgorithm = 'HS256'): RingKey {
  if (bytes.length < MIN_SECRET_BYTES)
    throw new KeyProblem(`an HMAC secret of ${bytes.length} bytes is too short`, MEND_SECRET);
  if (text !== null && looksLikePlaceholder(text))
    throw new KeyProblem('an HMAC secret looks like a placeholder', MEND_SECRET);
  const key = createSecretKey(bytes);
  const derivedKid = createHmac('sha256', bytes).update('kid').digest('base64url').slice(0, 12);
  return { kid: kid ?? derivedKid, alg, signingKey: key, verifyingKey: key, publicJwk: null };
}

function jwkKey(jwk: JsonWebKey & { kid?: string; alg?: string }): RingKey {
  const algorithm = jwkAlgorithm(jwk);
  if (jwk.kty === 'oct') return hmacKey(Buffer.from(jwk.k ?? '', 'base64url'), null, jwk.kid, algorithm);
  const signingKey =
    jwk.d === undefined ? null : importKey(() => createPrivateKey({ key: jwk, format: 'jwk' }));
  const verifyingKey = importKey(() =>
    signingKey ? createPublicKey(signingKey) : createPublicKey({ key: jwk, format: 'jwk' }),
  );
  const bits = verifyingKey.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < 2048)
    throw new KeyProblem(`an RSA key of ${bits} bits is too short`, 'use at least 2048 bits');
  const bare = verifyingKey.export({ format: 'jwk' });
  const kid = jwk.kid ?? thumbprint(bare);
  return {
    kid,
    alg: algorithm,
    signingKey,
    verifyingKey,
    publicJwk: { ...bare, kid, alg: algorithm, use: 'sig' },
  };
}

function importKey(make: () => KeyObject): KeyObject {
  try {
    return make();
  } catch {
    // The cause may quote key material.
    throw new KeyProblem('a JWK cannot be read', 'check its members against RFC 7518 §6');
  }
}

const ALGORITHMS: Record<string, readonly SigningAlgorithm[]> = {
  oct: ['HS256', 'HS384', 'HS512'],
  RSA: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
};

function jwkAlgorithm(jwk: JsonWebKey & { alg?: string }): SigningAlgorithm {
  const family = jwk.kty === 'EC' ? jwk.crv : jwk.kty;
  const allowed = Object.hasOwn(ALGORITHMS, family ?? '') ? ALGORITHMS[family ?? ''] : undefined;
  const algorithm =
    jwk.alg === undefined ? allowed?.[0] : allowed?.find((candidate) => candidate === jwk.alg);
  if (!algorithm)
    throw new KeyProblem(
      `a JWK of kty ${String(jwk.kty)}${jwk.crv ? ` (${jwk.crv})` : ''} with alg ${String(jwk.alg)} is not supported`,
      'use oct (HS256), RSA (RS256), or EC P-256 (ES256); the verifying library knows no EdDSA',
    );
  return algorithm;
}

/** RFC 7638: SHA-256 over the required members in lexical order. */
function thumbprint(jwk: JsonWebKey): string {
  const members =
    jwk.kty === 'RSA'
      ? { e: jwk.e, kty: jwk.kty, n: jwk.n }
      : { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}
