import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import type { Answer } from './http.js';

/** A client's key, which signs proofs of possession (RFC 9449). */
export class ProofKey {
  private readonly privateKey;
  private readonly header: string;

  private nonce: string | undefined;

  constructor(private readonly origin: string) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.privateKey = privateKey;
    this.header = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }) });
  }

  /** The header of one request. */
  proof(method: string, path: string, accessToken?: string): { dpop: string } {
    const claims = {
      jti: randomUUID(),
      htm: method,
      htu: this.origin + path,
      iat: Math.floor(Date.now() / 1000),
      nonce: this.nonce,
      ath: accessToken && createHash('sha256').update(accessToken).digest('base64url'),
    };
    const input = `${this.header}.${encode(claims)}`;
    const key = { key: this.privateKey, dsaEncoding: 'ieee-p1363' as const };
    return { dpop: `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}` };
  }

  /** Keeps the nonce of an answer, if it has one. */
  keepNonce({ headers }: Answer): void {
    const nonce = headers['dpop-nonce'];
    if (typeof nonce === 'string') this.nonce = nonce;
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
