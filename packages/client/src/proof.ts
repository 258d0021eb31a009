import { codeOf } from './authorized-fetch.js';
import { indexedRecords } from './records.js';
import { KEY_LOST } from './refusals.js';
import type { Prover } from './types.js';

/** A key of the curve P-256 that signs proofs. */
export interface ProofKey {
  /** The public key: `kty`, `crv`, `x` and `y` of a JWK. */
  readonly jwk: JsonWebKey;
  /** Signs with ES256. Resolves with the 64 bytes of R and S (RFC 7518 §3.4). */
  readonly sign: (input: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>;
  /**
   * Present until a session is bound to the key; called when the first one is. If the service refuses the proofs of
   * such a key, the key of the session is lost, and the user is signed out with `PROOF_KEY_LOST`.
   */
  readonly onBound?: (() => Promise<unknown>) | undefined;
}

export interface ProofOptions {
  /**
   * The key of a native application, in its keychain or keystore. With `null` sessions are not bound.
   *
   * @default a key in IndexedDB that no script can export, shared by all pages of the origin
   */
  readonly key?: () => Promise<ProofKey | null>;
}

/**
 * Binds the sessions of a client to a key (RFC 9449): from login on, a session is refreshed only with a proof by
 * this key, so a copied cookie is useless. If the browser has no WebCrypto (plain HTTP) or no storage for keys, no
 * proof is sent, and sessions are not bound.
 *
 * @example
 * const auth = createAuthClient({ baseUrl: '/auth', proof: proofOfPossession() });
 */
export function proofOfPossession({ key = browserKey }: ProofOptions = {}): Prover {
  let nonce: string | null = null;
  return (send) => async (input, init) => {
    // A `keepalive` request is sent while the page closes and cannot wait for a signature; its access token
    // suffices.
    if (init?.method !== 'POST' || init.keepalive) return send(input, init);
    const attempt = async (): Promise<[Response, ProofKey['onBound']]> => {
      // Read for each request: another tab may have created the key.
      const held = await key().catch(() => null);
      const proof = held && (await sign(held, input as string, nonce));
      const response = await send(
        input,
        proof ? { ...init, headers: { ...init.headers, dpop: proof } } : init,
      );
      nonce = response.headers.get('dpop-nonce') ?? nonce;
      return [response, held?.onBound];
    };
    let [response, onBound] = await attempt();
    // RFC 9449 §8: once more with the nonce of the answer.
    if ((await refusalIn(response)) === 'PROOF_NONCE_REQUIRED') [response, onBound] = await attempt();
    const [, route] = BINDING.exec(input as string) ?? [];
    if (!onBound || !route) return response;
    if (response.ok) await onBound().catch(() => undefined);
    // With `Retry-After` the refusal is about the browser's device-bound key, and temporary.
    const isFinal = route === 'refresh' && !response.headers.has('retry-after');
    const isKeyLost = isFinal && (await refusalIn(response)) === 'PROOF_REQUIRED';
    return isKeyLost ? keyLost() : response;
  };
}

/** The routes whose answers come with a refresh token. */
const BINDING = /\/(login|register|refresh|change-password)$/;

async function refusalIn(response: Response): Promise<unknown> {
  return response.status === 401 ? codeOf(response.clone()) : undefined;
}

const keyLost = () =>
  new Response(JSON.stringify({ code: KEY_LOST, message: 'The key of the session is lost.' }), {
    status: 401,
  });

async function sign(
  { jwk: { kty, crv, x, y }, sign }: ProofKey,
  url: string,
  nonce: string | null,
): Promise<string> {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } };
  const jti = base64url(crypto.getRandomValues(new Uint8Array(16)));
  const claims = {
    jti,
    htm: 'POST',
    htu: url,
    iat: Math.floor(Date.now() / 1000),
    nonce: nonce ?? undefined,
  };
  const input = [header, claims].map((part) => base64url(utf8(JSON.stringify(part)))).join('.');
  return `${input}.${base64url(new Uint8Array(await sign(utf8(input))))}`;
}

const ES256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

interface BrowserKey extends CryptoKeyPair {
  readonly isBound?: boolean;
}

/** Created once for each origin. The page can use the private key but not read it. */
async function browserKey(): Promise<ProofKey | null> {
  const { subtle } = crypto;
  if (!subtle) return null;
  const keys = indexedRecords<Partial<BrowserKey>>(indexedDB, 'key', 'nestjs-silent-auth-key');
  let pair = await keys.update((known) => known);
  if (!pair.publicKey) {
    const made = await subtle.generateKey(ES256, false, ['sign', 'verify']);
    // Another tab may have been faster.
    pair = await keys.update((known) => (known.publicKey ? known : made));
  }
  const { privateKey, publicKey, isBound } = pair as BrowserKey;
  return {
    jwk: await subtle.exportKey('jwk', publicKey),
    sign: (input) => subtle.sign(ES256, privateKey, input),
    onBound: isBound ? undefined : () => keys.update((known) => ({ ...known, isBound: true })),
  };
}

const utf8 = (text: string) => new TextEncoder().encode(text);

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replace(/[+/=]/g, (character) => ({ '+': '-', '/': '_' })[character] ?? '');
}
