import type { KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ACCESS_TOKEN_TYPE } from '../../core/access-token.js';
import { REFRESH_TOKEN_TYPE } from '../../core/refresh-token.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { type KeyOptions, resolveKeys, type RingKeys } from '../../options/keys.options.js';
import { derivedKeys } from '../../options/keys/derived-keys.js';
import type { Jwk } from '../../options/keys/jwk.js';
import type { RingKey, SigningAlgorithm } from '../../options/keys/key-spec.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import { parseJoseHeader } from './jose-header.js';

/** Which of the two kinds of token a key is for. */
export type TokenKind = 'access' | 'refresh';

const KINDS: readonly TokenKind[] = ['access', 'refresh'];
const TYPES: Record<TokenKind, string> = { access: ACCESS_TOKEN_TYPE, refresh: REFRESH_TOKEN_TYPE };

export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly key: KeyObject;
  /** The header of the tokens that it signs, in base64url. */
  readonly header: string;
}

/** The keys that verify tokens: those of this process, or those of another service. */
export interface VerifyingKeys {
  /** The key that must have signed the token; null if there is none. */
  verifyingKey(kind: TokenKind, token: string): KeyObject | null;
  /** The algorithms of all keys; always the same array. */
  algorithms(kind: TokenKind): SigningAlgorithm[];
  /** Calls back when a key is no longer valid. */
  onChange(listener: () => void): void;
  /**
   * Fetches the key that an access token names, if keys come from elsewhere. Undefined if there is nothing to wait for.
   * @throws AuthError (as a rejection) `TEMPORARILY_UNAVAILABLE`
   */
  load?(token: string): Promise<void> | undefined;
}

/** How the keys of one kind of token changed. All values are key ids. */
export interface KeyChange {
  /** The key that signs from now on. */
  readonly signing: string;
  /** Whether another key signed before. */
  readonly isNewSigner: boolean;
  readonly added: readonly string[];
  readonly retired: readonly string[];
}

/**
 * The keys of both kinds of token. In each list the first key signs and all keys verify, chosen by `kid`. A host changes
 * the keys at run time with {@link replace}, in two steps, so that no valid token is refused: first it appends the new
 * key to the list in every process; then it moves the new key to the front, and keeps the old one until its last token
 * has expired.
 */
@Injectable()
export class KeyRing implements VerifyingKeys {
  private keys: RingKeys;
  private readonly byKid: Record<TokenKind, ReadonlyMap<string, RingKey>>;
  /** By the header that this ring writes. */
  private readonly byHeader: Record<TokenKind, ReadonlyMap<string, RingKey>>;
  private readonly signing: Record<TokenKind, SigningKey>;
  private readonly algorithmsOf: Record<TokenKind, SigningAlgorithm[]> = { access: [], refresh: [] };
  private readonly listeners = new Set<() => void>();
  private fingerprints: readonly Uint8Array[];
  private devices: readonly Uint8Array[];
  private proofNonces: readonly Uint8Array[];

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly events: AuthEventBus,
  ) {
    const { access, refresh } = options.keys;
    this.keys = options.keys;
    this.byKid = { access: index(access), refresh: index(refresh) };
    this.byHeader = { access: indexByHeader('access', access), refresh: indexByHeader('refresh', refresh) };
    this.signing = { access: signingKeyOf('access', access), refresh: signingKeyOf('refresh', refresh) };
    for (const kind of KINDS) this.listAlgorithms(kind);
    this.fingerprints = options.fingerprint.keys;
    this.devices = options.deviceKeys;
    this.proofNonces = options.proofNonceKeys;
  }

  /**
   * Replaces the keys in this process. The cache of verified tokens is emptied, and tokens of removed keys are refused.
   * Keys of fingerprints, devices and nonces derive from the refresh keys, so they change too.
   * @returns what changed, for each kind
   * @throws ConfigurationError with every problem of the keys; the ring is then unchanged
   */
  replace(keys: KeyOptions): Record<TokenKind, KeyChange> {
    const next = resolveKeys(keys);
    const change = { access: this.changeOf('access', next), refresh: this.changeOf('refresh', next) };
    this.keys = next;
    for (const kind of KINDS) {
      this.byKid[kind] = index(next[kind]);
      this.byHeader[kind] = indexByHeader(kind, next[kind]);
      this.signing[kind] = signingKeyOf(kind, next[kind]);
      this.listAlgorithms(kind);
    }
    if (this.options.fingerprint.areKeysDerived) this.fingerprints = derivedKeys(next.refresh, 'fingerprint');
    this.devices = derivedKeys(next.refresh, 'device');
    this.proofNonces = derivedKeys(next.refresh, 'proof-nonce');
    for (const listener of this.listeners) listener();
    for (const kind of KINDS)
      for (const kid of change[kind].retired) void this.events.emit('key.retired', { kind, kid });
    return change;
  }

  /** Calls back after each change, before any other token is checked. */
  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** The key that signs new tokens. */
  signingKey(kind: TokenKind): SigningKey {
    return this.signing[kind];
  }

  /**
   * The key that must have signed the token, by its `kid`. Null if the header is malformed, of another kind, or names
   * another algorithm than the key's own: the key decides the algorithm, never the token (RFC 8725 §3.1).
   */
  verifyingKey(kind: TokenKind, token: string): KeyObject | null {
    const header = parseJoseHeader(token);
    if (!header || header.typ !== TYPES[kind]) return null;
    const key = this.byKid[kind].get(header.kid);
    return key && key.alg === header.alg ? key.verifyingKey : null;
  }

  /** The HMAC key whose tokens have exactly this header; null for any other header, which {@link verifyingKey} parses. */
  hmacKeyOf(kind: TokenKind, header: string): Pick<SigningKey, 'alg' | 'key'> | null {
    const known = this.byHeader[kind].get(header);
    return known?.verifyingKey.type === 'secret' ? { alg: known.alg, key: known.verifyingKey } : null;
  }

  /** Whether the ring has a key with this id. */
  knows(kind: TokenKind, kid: string): boolean {
    return this.byKid[kind].has(kid);
  }

  /**
   * The algorithms of all keys. Always the same array, updated in place, so that a verifier that keeps a reference sees
   * changes.
   */
  algorithms(kind: TokenKind): SigningAlgorithm[] {
    return this.algorithmsOf[kind];
  }

  /** `typ` for the header of a new token. */
  typeOf(kind: TokenKind): string {
    return TYPES[kind];
  }

  /** Keys for fingerprints, newest first. */
  get fingerprintKeys(): readonly Uint8Array[] {
    return this.fingerprints;
  }

  /** Keys that recognise devices, newest first. */
  get deviceKeys(): readonly Uint8Array[] {
    return this.devices;
  }

  /** Keys for the nonces in proofs of possession, newest first. */
  get proofNonceKeys(): readonly Uint8Array[] {
    return this.proofNonces;
  }

  /** Public halves of the access keys (RFC 7517 §5); empty with HMAC keys. */
  publicKeys(): { keys: Jwk[] } {
    return { keys: this.keys.access.flatMap(({ publicJwk }) => (publicJwk ? [publicJwk] : [])) };
  }

  private changeOf(kind: TokenKind, next: RingKeys): KeyChange {
    const [old, young] = [kidsOf(this.keys[kind]), kidsOf(next[kind])];
    const signing = signingKeyOf(kind, next[kind]).kid;
    return {
      signing,
      isNewSigner: signing !== this.signing[kind].kid,
      added: young.filter((kid) => !old.includes(kid)),
      retired: old.filter((kid) => !young.includes(kid)),
    };
  }

  private listAlgorithms(kind: TokenKind): void {
    const list = this.algorithmsOf[kind];
    list.splice(0, list.length, ...new Set(this.keys[kind].map(({ alg }) => alg)));
  }
}

/** jsonwebtoken accepts a `KeyObject`, which saves parsing a string at every call; the types of `JwtService` allow only strings. */
export function asVerificationKey(key: KeyObject): string {
  return key as never;
}

function index(keys: readonly RingKey[]): ReadonlyMap<string, RingKey> {
  return new Map(keys.map((key) => [key.kid, key]));
}

function indexByHeader(kind: TokenKind, keys: readonly RingKey[]): ReadonlyMap<string, RingKey> {
  return new Map(keys.map((key) => [headerOf(kind, key), key]));
}

function kidsOf(keys: readonly RingKey[]): string[] {
  return keys.map(({ kid }) => kid);
}

function signingKeyOf(kind: TokenKind, keys: readonly RingKey[]): SigningKey {
  const [first] = keys;
  if (!first?.signingKey) throw new Error('the first key of a ring signs; readKeys checks it');
  return { kid: first.kid, alg: first.alg, key: first.signingKey, header: headerOf(kind, first) };
}

/** The protected header of a token (RFC 7515 §4), in base64url. */
function headerOf(kind: TokenKind, { alg, kid }: RingKey): string {
  return Buffer.from(JSON.stringify({ alg, typ: TYPES[kind], kid })).toString('base64url');
}
