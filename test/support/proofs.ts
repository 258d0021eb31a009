import { createPrivateKey, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto';
import * as dpop from 'dpop';
import type { Answer, Api, Call } from './http.js';
import { encode, type Part } from './tokens.js';

/** A key pair with which a test builds proofs by hand. */
export class HandKey {
  readonly jwk: JsonWebKey;
  private readonly key: KeyObject;

  constructor(namedCurve = 'P-256', pair = generateKeyPairSync('ec', { namedCurve })) {
    this.jwk = pair.publicKey.export({ format: 'jwk' });
    this.key = pair.privateKey;
  }

  get privateJwk(): JsonWebKey {
    return createPrivateKey(this.key.export({ format: 'pem', type: 'pkcs8' })).export({ format: 'jwk' });
  }

  /** A signed proof with these header parameters and claims changed; `undefined` removes one. */
  proof(claims: Part, header: Part = {}): string {
    const parameters = { typ: 'dpop+jwt', alg: 'ES256', jwk: this.jwk, ...header };
    return this.sign(`${encode(parameters)}.${encode(claims)}`);
  }

  /** Signs any text. */
  sign(input: string): string {
    const signature = sign('sha256', Buffer.from(input), { key: this.key, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }
}

/** A client that holds a key, built on the `dpop` package: independent of the code under test. */
export class KeyClient {
  nonce: string | undefined;

  private constructor(
    readonly api: Api,
    readonly jkt: string,
    private readonly pair: dpop.KeyPair,
    /** The service's address as the client knows it. */
    private readonly base: string,
  ) {}

  static async create(api: Api, base = api.origin): Promise<KeyClient> {
    const pair = await dpop.generateKeyPair('ES256');
    return new KeyClient(api, await dpop.calculateThumbprint(pair.publicKey), pair, base);
  }

  /** The same key with another process or client. */
  at(api: Api): KeyClient {
    return Object.assign(new KeyClient(api, this.jkt, this.pair, this.base), { nonce: this.nonce });
  }

  proof(method: string, path: string, accessToken?: string): Promise<string> {
    return dpop.generateProof(this.pair, `${this.base}${path}`, method, this.nonce, accessToken);
  }

  /** Sends one request with a proof; keeps the nonce of the answer. */
  async once(method: string, path: string, call: Call = {}, accessToken?: string): Promise<Answer> {
    const proof = await this.proof(method, path, accessToken);
    const headers: Record<string, string> = { ...call.headers, dpop: proof };
    if (accessToken !== undefined) headers.authorization = `DPoP ${accessToken}`;
    const answer = await this.api.send(method, path, { ...call, headers });
    const nonce = answer.headers['dpop-nonce'];
    if (typeof nonce === 'string') this.nonce = nonce;
    return answer;
  }

  /** Sends like a real client: if a nonce is required, retries once with the one in the answer. */
  async send(method: string, path: string, call: Call = {}, accessToken?: string): Promise<Answer> {
    const answer = await this.once(method, path, call, accessToken);
    const isWithoutNonce = answer.status === 401 && answer.json.code === 'PROOF_NONCE_REQUIRED';
    return isWithoutNonce ? this.once(method, path, call, accessToken) : answer;
  }

  post(path: string, body: unknown, call: Call = {}): Promise<Answer> {
    return this.send('POST', path, { ...call, body });
  }
}
