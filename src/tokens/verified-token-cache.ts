import { LRUCache } from 'lru-cache';
import type { AccessTokenClaims } from '../core/access-token.js';

const MAX_TOKENS = 10_000;
/** The length of an HMAC-SHA256 signature. */
const END_LENGTH = 43;

/** Caches the claims of access tokens with verified signatures. */
export class VerifiedTokenCache {
  /** Keyed by the end of the token: hashing the whole token costs more than the rest of a guard. */
  private readonly byEnd = new LRUCache<
    string,
    { readonly token: string; readonly claims: AccessTokenClaims }
  >({
    max: MAX_TOKENS,
  });

  get(token: string): AccessTokenClaims | null {
    const known = this.byEnd.get(token.slice(-END_LENGTH));
    // Compare the whole token: another one may have the same end.
    return known?.token === token ? known.claims : null;
  }

  set(token: string, claims: AccessTokenClaims): void {
    this.byEnd.set(token.slice(-END_LENGTH), { token, claims });
  }

  clear(): void {
    this.byEnd.clear();
  }
}
