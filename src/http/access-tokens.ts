import { Injectable } from '@nestjs/common';
import type { AccessTokenClaims } from '../core/access-token.js';
import { AuthError } from '../core/errors.js';
import { MAX_TOKEN_LENGTH } from '../core/limits.js';
import { AccessTokenAuthenticator, type AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { AccessTokenBinding } from './access-token-binding.js';
import { extractAccessToken } from './access-token-header.js';
import { type HttpRequest, NO_REQUEST } from './http-request.js';

/** Access tokens that do not come in the header of a request, for example those in the handshake of a socket. */
@Injectable()
export class AccessTokens {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly authenticator: AccessTokenAuthenticator,
    private readonly binding: AccessTokenBinding,
  ) {}

  /**
   * The user of a token, for example in `handleConnection`.
   * @throws AuthError `ACCESS_TOKEN_MISSING` (empty), `…_INVALID`, `…_EXPIRED`, `…_REVOKED`, `PROOF_REQUIRED` (the token is bound
   * to a key, RFC 9449: exchange it for a ticket), `TEMPORARILY_UNAVAILABLE`
   */
  async authenticate(token: string): Promise<AuthenticatedUser> {
    return this.admit(await this.verify(token));
  }

  /**
   * The claims of a token that is not bound to a key, expired or not.
   * @throws AuthError `ACCESS_TOKEN_MISSING`, `ACCESS_TOKEN_INVALID`, `PROOF_REQUIRED`, `TEMPORARILY_UNAVAILABLE`
   */
  async verify(token: unknown): Promise<AccessTokenClaims> {
    if (token === '') throw new AuthError('ACCESS_TOKEN_MISSING');
    if (typeof token !== 'string') throw new AuthError('ACCESS_TOKEN_INVALID');
    await this.verifier.load(token);
    const claims = this.claimsOf(token);
    if (!claims) throw new AuthError('ACCESS_TOKEN_INVALID');
    this.binding.check(NO_REQUEST, claims);
    return claims;
  }

  /**
   * Checks that verified claims are valid now.
   * @throws AuthError `ACCESS_TOKEN_EXPIRED`, `ACCESS_TOKEN_REVOKED`, `TEMPORARILY_UNAVAILABLE`
   */
  async admit(claims: AccessTokenClaims): Promise<AuthenticatedUser> {
    return this.authenticator.admit(claims);
  }

  /** The claims of the token of a guarded request; null without one. */
  claimsOfRequest(request: Pick<HttpRequest, 'headers'>): AccessTokenClaims | null {
    const token = extractAccessToken(request);
    return token === null ? null : this.claimsOf(token);
  }

  private claimsOf(token: string): AccessTokenClaims | null {
    const known = this.authenticator.recall(token);
    if (known) return known;
    const claims = token.length > MAX_TOKEN_LENGTH ? null : this.verifier.verifyAccessToken(token);
    if (claims) this.authenticator.remember(token, claims);
    return claims;
  }
}
