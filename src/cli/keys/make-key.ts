import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import type { KeyInput } from '../../options/keys/key-spec.js';

type Jwk = Exclude<KeyInput, string>;

const CURVES: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
/** Secure beyond 2030 (NIST SP 800-57 part 1, table 2). */
const RSA_BITS = 3072;

/** Algorithms that the command makes keys for. */
// prettier-ignore
export const ALGORITHMS = [
  'HS256', 'HS384', 'HS512',
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512',
  'ES256', 'ES384', 'ES512',
];

/** A new private key with a random id: an id derived from an HMAC key would reveal a hash of it. */
export function makeKey(alg: string): Jwk {
  const kid = randomUUID();
  if (alg.startsWith('HS')) return { kty: 'oct', k: randomBytes(64).toString('base64url'), kid, alg };
  const namedCurve = CURVES[alg];
  const { privateKey } =
    namedCurve === undefined
      ? generateKeyPairSync('rsa', { modulusLength: RSA_BITS })
      : generateKeyPairSync('ec', { namedCurve });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg };
}
