import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';

export type Jwk = JsonWebKey & { kid: string; alg: string };

export const ISSUER = 'https://issuer.example.com';

export function newKey(kid: string, alg: string): Jwk {
  const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
  const namedCurve = curves[alg];
  const { privateKey } = namedCurve
    ? generateKeyPairSync('ec', { namedCurve })
    : alg === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

export const publicOf = ({ kty, kid, alg, use, crv, x, y, n, e }: Jwk & { use?: string }) => ({
  ...{ kty, kid, alg, use, crv, x, y, n, e },
});

export const now = () => Math.floor(Date.now() / 1000);
export const CLAIMS = {
  sub: 'ada',
  iss: ISSUER,
  aud: ISSUER,
  client_id: ISSUER,
  jti: 'b1',
  sid: '0123456789abcdef01234567',
  gen: 1,
  ver: 'v1',
  roles: ['user'],
};

/** A token as the signing service issues it, with these claims and header fields changed. */
export function signedBy(key: Jwk, claims: JWTPayload = {}, header: object = {}): Promise<string> {
  const payload = { ...CLAIMS, iat: now(), exp: now() + 300, ...claims };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header })
    .sign(key);
}
