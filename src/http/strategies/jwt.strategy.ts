import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { parseAccessTokenClaims } from '../../core/access-token.js';
import { AuthError } from '../../core/errors.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import { AccessTokenAuthenticator, type AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import { KeyRing, type VerifyingKeys } from '../../tokens/keys/key-ring.js';
import { AccessTokenBinding } from '../access-token-binding.js';
import { extractAccessToken } from '../access-token-header.js';
import type { HttpRequest } from '../http-request.js';
import { keyFrom } from './verification-key.js';

/** Passport's name of the strategy, for guards such as `AuthGuard(['api-key', ACCESS_TOKEN_STRATEGY])`. */
export const ACCESS_TOKEN_STRATEGY = 'silent-auth-access';

/** Passport strategy for access tokens. Expiry is checked after the signature, with the library's own clock. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, ACCESS_TOKEN_STRATEGY) {
  constructor(
    @Inject(AUTH_OPTIONS) options: Pick<ResolvedAuthOptions, 'issuer' | 'audience'>,
    @Inject(KeyRing) keys: VerifyingKeys,
    private readonly authenticator: AccessTokenAuthenticator,
    private readonly binding: AccessTokenBinding,
  ) {
    super({
      jwtFromRequest: extractAccessToken,
      secretOrKeyProvider: keyFrom(keys, 'access'),
      algorithms: keys.algorithms('access'),
      issuer: options.issuer,
      audience: options.audience,
      ignoreExpiration: true,
      passReqToCallback: true,
    });
    // Tokens that were verified with a removed key are no longer valid.
    keys.onChange(() => authenticator.forgetAll());
  }

  async validate(request: HttpRequest, payload: unknown): Promise<AuthenticatedUser> {
    const claims = parseAccessTokenClaims(payload);
    if (!claims) throw new AuthError('ACCESS_TOKEN_INVALID');
    // Check before the token counts as used.
    this.binding.check(request, claims);
    const admission = this.authenticator.admit(claims);
    // No await before this: a token remembered after a change of keys would not be forgotten.
    this.authenticator.remember(extractAccessToken(request) ?? '', claims);
    return admission;
  }
}
