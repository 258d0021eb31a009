import type { KeyObject } from 'node:crypto';
import type { Jwk } from './jwk.js';

/** Why a JWK must not be used for signatures (RFC 7517 §4.2, §4.3); null if it may be. */
export function jwkMisuse(jwk: Jwk): string | null {
  const { use, key_ops: operations } = jwk as { use?: unknown; key_ops?: unknown };
  if (use !== undefined && use !== 'sig') return `the use of a JWK is ${JSON.stringify(use)}, not "sig"`;
  if (operations === undefined) return null;
  const needed = jwk.kty === 'oct' || jwk.d !== undefined ? 'sign' : 'verify';
  return Array.isArray(operations) && operations.includes(needed)
    ? null
    : `the key_ops of a JWK do not include '${needed}'`;
}

const MIN_RSA_BITS = 2048;
/** FIPS 186-5 §A.1.1: smaller exponents have led to many attacks, and with 1 a signature protects nothing. */
const MIN_EXPONENT = 65_537n;

/** Why an RSA key is weak; null for a strong key and for keys of other types. */
export function rsaWeakness(publicKey: KeyObject): string | null {
  const { modulusLength: bits, publicExponent } = publicKey.asymmetricKeyDetails ?? {};
  if (bits === undefined || publicExponent === undefined) return null;
  if (bits < MIN_RSA_BITS) return `an RSA key of ${bits} bits is too short`;
  if (publicExponent < MIN_EXPONENT || publicExponent % 2n === 0n)
    return `an RSA key has the public exponent ${publicExponent}`;
  const { n = '' } = publicKey.export({ format: 'jwk' });
  return isRoca(BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`))
    ? 'an RSA key comes from a faulty generator and can be factored (ROCA, CVE-2017-15361)'
    : null;
}

const ROCA_PRIMES = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/**
 * The faulty generator makes primes that are powers of 65537 modulo many small primes, and then so is their product. A good
 * modulus looks like that once in a hundred million times. Wycheproof's key vectors require this check.
 */
function isRoca(modulus: bigint): boolean {
  return ROCA_PRIMES.every((prime) => isPowerOf65537(Number(modulus % BigInt(prime)), prime));
}

function isPowerOf65537(remainder: number, prime: number): boolean {
  const generator = 65_537 % prime;
  let power = 1;
  do {
    if (power === remainder) return true;
    power = (power * generator) % prime;
  } while (power !== 1);
  return false;
}
