import type { JsonWebKey, KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ACCESS_TOKEN_TYPE } from '../core/access-token.js';
import { parseJoseHeader } from '../core/jose-header.js';
import type { RingKey, SigningAlgorithm } from '../core/key-spec.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import { REFRESH_TOKEN_TYPE } from '../core/refresh-token.js';

export type TokenKind = 'access' | 'refresh';

const TYPES: Record<TokenKind, string> = { access: ACCESS_TOKEN_TYPE, refresh: REFRESH_TOKEN_TYPE };

export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly key: KeyObject;
}

/** The keys of both kinds of token. In each, the first signs and all verify, chosen by `kid`. */
@Injectable()
export class KeyRing {
  private readonly byKid: Record<TokenKind, ReadonlyMap<string, RingKey>>;
  private readonly signing: Record<TokenKind, SigningKey>;

  constructor(@Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions) {
    const { access, refresh } = options.keys;
    this.byKid = { access: index(access), refresh: index(refresh) };
    this.signing = { access: firstKey(access), refresh: firstKey(refresh) };
  }

  signingKey(kind: TokenKind): SigningKey {
    return this.signing[kind];
  }

  /**
   * The key that must have signed the token, by its `kid`; null where the header is odd, of another kind, or names
   * another algorithm than the key's own: an algorithm belongs to a key, never to the token (RFC 8725 §3.1).
   */
  verifyingKey(kind: TokenKind, token: string): KeyObject | null {
    const header = parseJoseHeader(token);
    if (!header || header.typ !== TYPES[kind]) return null;
    const key = this.byKid[kind].get(header.kid);
    return key && key.alg === header.alg ? key.verifyingKey : null;
  }

  algorithms(kind: TokenKind): SigningAlgorithm[] {
    return [...new Set(this.options.keys[kind].map(({ alg }) => alg))];
  }

  /** `typ` for the header of a new token. */
  typeOf(kind: TokenKind): string {
    return TYPES[kind];
  }

  /** Public halves of the access keys (RFC 7517 §5); empty with HMAC keys. */
  publicKeys(): { keys: JsonWebKey[] } {
    return { keys: this.options.keys.access.flatMap(({ publicJwk }) => (publicJwk ? [publicJwk] : [])) };
  }
}

function index(keys: readonly RingKey[]): Map<string, RingKey> {
  return new Map(keys.map((key) => [key.kid, key]));
}

function firstKey(keys: readonly RingKey[]): SigningKey {
  const [first] = keys;
  if (!first?.signingKey) throw new Error('the first key of a ring signs; resolveOptions checks it');
  return { kid: first.kid, alg: first.alg, key: first.signingKey };
}
