import type { SecretOrKeyProvider } from 'passport-jwt';
import { AuthError } from '../../core/errors.js';
import { asVerificationKey, type TokenKind, type VerifyingKeys } from '../../tokens/keys/key-ring.js';

/** Gives passport-jwt the key of the ring that must have signed the token. */
export function keyFrom(keys: VerifyingKeys, kind: TokenKind): SecretOrKeyProvider {
  const refusal = kind === 'access' ? 'ACCESS_TOKEN_INVALID' : 'REFRESH_TOKEN_INVALID';
  return (_request: unknown, token: string, done) => {
    const give = () => {
      const key = keys.verifyingKey(kind, token);
      if (key) done(null, asVerificationKey(key));
      else done(new AuthError(refusal));
    };
    const loading = kind === 'access' ? keys.load?.(token) : undefined;
    if (loading) void loading.then(give, done);
    else give();
  };
}
