import type { SecretOrKeyProvider } from 'passport-jwt';
import { AuthError } from '../../core/errors.js';
import { asVerificationKey, type KeyRing, type TokenKind } from '../../tokens/keys/key-ring.js';

/** The key that passport-jwt verifies a token with: the one of the ring that must have signed it. */
export function keyFrom(keyRing: KeyRing, kind: TokenKind): SecretOrKeyProvider {
  const refusal = kind === 'access' ? 'ACCESS_TOKEN_INVALID' : 'REFRESH_TOKEN_INVALID';
  return (_request: unknown, token: string, done) => {
    const key = keyRing.verifyingKey(kind, token);
    if (key) done(null, asVerificationKey(key));
    else done(new AuthError(refusal));
  };
}
