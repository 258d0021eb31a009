import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { isRefusedSecret } from './guessable-secret.js';
import type { Jwk } from './jwk.js';
import { jwkMisuse, rsaWeakness } from './jwk-checks.js';

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
export type KeyInput = string | Jwk;

/** A key with its only algorithm; the `alg` in a token's header cannot change it (RFC 8725 §3.1). */
export interface RingKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** Null if only the public half is known: such a key verifies but does not sign. */
  readonly signingKey: KeyObject | null;
  readonly verifyingKey: KeyObject;
  /** Null for HMAC keys. */
  readonly publicJwk: Jwk | null;
}

/** Why a key cannot be used, and how to fix it; reported at boot. */
export class KeyProblem extends Error {
  constructor(
    message: string,
    readonly fix: string,
  ) {
    super(message);
  }
}

export const MIN_SECRET_BYTES = 32;
const SECRET_FIX = `use at least ${MIN_SECRET_BYTES} random bytes, for example: node -p "crypto.randomBytes(48).toString('base64url')"`;

export function createRingKey(input: KeyInput): RingKey {
  if (typeof input === 'string') return hmacKey(Buffer.from(input, 'utf8'), input);
  // The host may pass an environment variable that is not set.
  if (typeof input !== 'object' || input === null) throw new KeyProblem('a key is not set', SECRET_FIX);
  if (input.kid !== undefined && (typeof input.kid !== 'string' || input.kid === ''))
    throw new KeyProblem('the kid of a JWK is not a text', 'give it a text, or leave it out');
  return jwkKey(input);
}

const HMAC_BYTES: Partial<Record<SigningAlgorithm, number>> = { HS256: 32, HS384: 48, HS512: 64 };

function hmacKey(bytes: Buffer, text: string | null, kid?: string, alg: SigningAlgorithm = 'HS256'): RingKey {
  if (bytes.length < MIN_SECRET_BYTES)
    throw new KeyProblem(`an HMAC secret of ${bytes.length} bytes is too short`, SECRET_FIX);
  if (text !== null && isWrittenKey(text))
    throw new KeyProblem(
      'a PEM or JWK as text would be used as an HMAC secret, letter by letter, and a public key is not secret',
      'give the object of a JWK: crypto.createPrivateKey(pem).export({ format: "jwk" }), or JSON.parse(text)',
    );
  const least = HMAC_BYTES[alg] ?? MIN_SECRET_BYTES;
  if (bytes.length < least)
    throw new KeyProblem(
      `${alg} needs a key of ${least} bytes (RFC 7518 §3.2)`,
      'use a longer key, or HS256',
    );
  if (isRefusedSecret(bytes))
    throw new KeyProblem('an HMAC secret looks like a placeholder, or can be guessed', SECRET_FIX);
  const key = createSecretKey(bytes);
  const derivedKid = createHmac('sha256', bytes).update('kid').digest('base64url').slice(0, 12);
  return { kid: kid ?? derivedKid, alg, signingKey: key, verifyingKey: key, publicJwk: null };
}

/** Whether the text is a key in PEM or JWK form. */
function isWrittenKey(text: string): boolean {
  if (text.trimStart().startsWith('-----BEGIN ')) return true;
  try {
    return text.trimStart().startsWith('{') && typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

const TEXTS = ['kty', 'alg', 'crv', 'k'] as const;

function jwkKey(jwk: Jwk): RingKey {
  // A JSON file can contain any types.
  const odd = TEXTS.find((member) => !['string', 'undefined'].includes(typeof jwk[member]));
  if (odd) throw new KeyProblem(`the ${odd} of a JWK is not a text`, 'check its members against RFC 7518 §6');
  const misuse = jwkMisuse(jwk);
  if (misuse) throw new KeyProblem(misuse, 'give a key that is meant only for signatures');
  const algorithm = jwkAlgorithm(jwk);
  if (jwk.kty === 'oct') return hmacKey(Buffer.from(jwk.k ?? '', 'base64url'), null, jwk.kid, algorithm);
  const signingKey =
    jwk.d === undefined ? null : importKey(() => createPrivateKey({ key: jwk, format: 'jwk' }));
  const verifyingKey = importKey(() =>
    signingKey ? createPublicKey(signingKey) : createPublicKey({ key: jwk, format: 'jwk' }),
  );
  const weakness = rsaWeakness(verifyingKey);
  if (weakness) throw new KeyProblem(weakness, 'make a new one of at least 2048 bits and exponent 65537');
  if (signingKey && !isPair(signingKey, verifyingKey))
    throw new KeyProblem(
      'the private part of a JWK does not belong to its public part',
      'export the key again',
    );
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

/** Importing a JWK does not check that its parts match; a signature does. */
function isPair(signingKey: KeyObject, verifyingKey: KeyObject): boolean {
  const probe = Buffer.from('probe');
  try {
    return verify('sha256', probe, verifyingKey, sign('sha256', probe, signingKey));
  } catch {
    return false;
  }
}

function importKey(make: () => KeyObject): KeyObject {
  try {
    return make();
  } catch {
    // Without the cause, which may contain key material.
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

function jwkAlgorithm(jwk: Jwk): SigningAlgorithm {
  const family = jwk.kty === 'EC' ? jwk.crv : jwk.kty;
  const allowed = Object.hasOwn(ALGORITHMS, family ?? '') ? ALGORITHMS[family ?? ''] : undefined;
  const algorithm =
    jwk.alg === undefined ? allowed?.[0] : allowed?.find((candidate) => candidate === jwk.alg);
  if (jwk.kty === 'OKP')
    throw new KeyProblem(
      `a JWK of kty OKP (${String(jwk.crv)}) is not supported: the verifying library does not support EdDSA`,
      'use EC P-256 (ES256), whose keys and signatures are equally short',
    );
  if (!algorithm)
    throw new KeyProblem(
      `a JWK of kty ${String(jwk.kty)}${jwk.crv ? ` (${jwk.crv})` : ''} with alg ${String(jwk.alg)} is not supported`,
      'use oct (HS256), RSA (RS256), or EC P-256 (ES256)',
    );
  return algorithm;
}

/** RFC 7638: SHA-256 over the required members in lexical order. */
function thumbprint(jwk: Jwk): string {
  const members =
    jwk.kty === 'RSA'
      ? { e: jwk.e, kty: jwk.kty, n: jwk.n }
      : { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}
