import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-jwt';
import { parseAccessTokenClaims } from '../core/access-token.js';
import { AuthError } from '../core/errors.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import { AccessTokenAuthenticator, type AuthenticatedUser } from './access-token.authenticator.js';
import { KeyRing } from './key-ring.js';

const SCHEME = 'bearer ';
const MAX_TOKEN_LENGTH = 8192;

/**
 * `Authorization: Bearer <token>` and nothing else: never a URL (RFC 6750 §5.3). Null where none was sent; one too long to
 * be a token is empty, which no key has signed. Cut by position: passport-jwt's own pattern takes quadratic time.
 */
export function extractAccessToken({
  headers,
}: {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}): string | null {
  const header = headers['authorization'];
  if (typeof header !== 'string' || !isBearer(header)) return null;
  const token = header.slice(SCHEME.length).trim();
  if (token === '') return null;
  return token.length > MAX_TOKEN_LENGTH ? '' : token;
}

/** The scheme's letters may be of either case (RFC 9110 §11.1); clients write it as in the RFC, which is seen soonest. */
function isBearer(header: string): boolean {
  return header.startsWith('Bearer ') || header.slice(0, SCHEME.length).toLowerCase() === SCHEME;
}

/** Passport strategy of access tokens. Expiry is checked by the library's own clock, after the signature. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'silent-auth-access') {
  constructor(
    @Inject(AUTH_OPTIONS) options: ResolvedAuthOptions,
    keyRing: KeyRing,
    private readonly authenticator: AccessTokenAuthenticator,
  ) {
    super({
      jwtFromRequest: extractAccessToken,
      secretOrKeyProvider: (
        _request: unknown,
        token: string,
        done: (error: Error | null, key?: string) => void,
      ) => {
        const key = keyRing.verifyingKey('access', token);
        // A KeyObject is what the verifier takes best; the published type knows strings and buffers only.
        if (key) done(null, key as never);
        else done(new AuthError('ACCESS_TOKEN_INVALID'));
      },
      algorithms: keyRing.algorithms('access'),
      issuer: options.issuer,
      audience: options.audience,
      ignoreExpiration: true,
      passReqToCallback: true,
    });
    // A token that was verified by a key which has left the ring is verified no longer.
    keyRing.onChange(() => authenticator.forgetAll());
  }

  async validate(request: never, payload: unknown): Promise<AuthenticatedUser> {
    const claims = parseAccessTokenClaims(payload);
    if (!claims) throw new AuthError('ACCESS_TOKEN_INVALID');
    const admission = this.authenticator.admit(claims);
    // Before anything is waited for: what is remembered after the ring has changed is not forgotten again.
    this.authenticator.remember(extractAccessToken(request) ?? '', claims);
    return admission;
  }
}
