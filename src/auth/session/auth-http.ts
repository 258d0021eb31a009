import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import type { RefreshTokenClaims } from '../../core/refresh-token.js';
import { extractAccessToken } from '../../http/access-token-header.js';
import { ClientReader, type ClientRequest } from '../../http/client-reader.js';
import { DeviceCookie } from '../../http/device-cookie.js';
import { sourceOf } from '../../http/http-request.js';
import { PresentedRefreshTokens } from '../../http/presented-refresh-tokens.js';
import { ProofReader } from '../../http/proof-reader.js';
import { RefreshCookie } from '../../http/refresh-cookie.js';
import type { ClientTraits } from '../../tokens/client-traits.js';
import { TokenSigner } from '../../tokens/token-signer.js';
import { DeviceBoundSessions } from '../device-bound/device-bound-sessions.js';
import type { LogoutTokens } from './auth.service.js';
import {
  type AccessGrant,
  type PasswordReset,
  type TokenAnswer,
  tokenAnswer,
  type TokenGrant,
} from './dto/answers.js';

/**
 * The HTTP side of `AuthService`: reads the sender and the tokens of a request, and answers with the tokens of a grant. The
 * library's own routes use only this, so a host's routes (`controllers: { auth: false }`) can do the same. A `response` is
 * the framework's own object, injected with `@Res({ passthrough: true })`.
 */
@Injectable()
export class AuthHttp {
  constructor(
    private readonly clients: ClientReader,
    private readonly signer: TokenSigner,
    private readonly cookie: RefreshCookie,
    private readonly presented: PresentedRefreshTokens,
    private readonly devices: DeviceCookie,
    private readonly proofs: ProofReader,
    private readonly adapterHost: HttpAdapterHost,
    private readonly deviceBound: DeviceBoundSessions,
  ) {}

  /** The sender of a request, for sessions and the throttle. */
  clientOf(request: ClientRequest): ClientTraits {
    return this.clients.of(request);
  }

  /** The sender of a request, for events. */
  sourceOf(request: ClientRequest): EventSource {
    return sourceOf(request);
  }

  /** The tokens for a logout: validly signed, even if expired or replaced. */
  tokensOf(request: ClientRequest): LogoutTokens {
    return {
      refreshTokens: this.presented.verified(request),
      accessToken: extractAccessToken(request),
      proof: this.proofs.of(request),
    };
  }

  /**
   * The validly signed refresh token that came by the transport of its session, even if expired or replaced; the newest if
   * there are several.
   */
  refreshTokenOf(request: ClientRequest): RefreshTokenClaims | null {
    return this.presented.verified(request)[0] ?? null;
  }

  /**
   * Answers a registration, a login or a password change: like {@link answer}, and the account trusts the device from now on.
   * The cookies are set at once, so a route may also redirect and ignore the returned body.
   */
  welcome(grant: TokenGrant, request: ClientRequest, response: unknown): TokenAnswer {
    if (grant.session.transport === 'cookie') this.remember(grant, request, response);
    return this.answer(grant, response);
  }

  /**
   * Answers with the tokens of a grant. The refresh token, if there is one, goes into the cookie, or into the body with body
   * transport.
   */
  answer(grant: AccessGrant | TokenGrant, response: unknown): TokenAnswer {
    const { id, generation, transport, isRemembered } = grant.session;
    // Also on routes of a host (RFC 6749 §5.1).
    this.adapterHost.httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
    if ('refreshToken' in grant && transport === 'cookie') {
      const { token, expiresIn } = grant.refreshToken;
      this.cookie.set(response, token, isRemembered ? expiresIn : null);
      // Generation 0 means that the session is new.
      if (generation === 0) this.deviceBound.offer(response, id);
    }
    if (grant.session.jkt !== null)
      this.adapterHost.httpAdapter.setHeader(response, 'DPoP-Nonce', this.proofs.newNonce());
    return tokenAnswer(grant);
  }

  /** Sets the headers that a refresh error needs. Call it before rethrowing the error. */
  refused(error: unknown, sessionId: string, client: ClientTraits, response: unknown): void {
    if (error instanceof AuthError && error.code === 'PROOF_REQUIRED')
      this.deviceBound.takeBack(response, sessionId, client);
  }

  /** Makes the account trust the device on which its owner reset the password. */
  trustDevice(reset: PasswordReset, request: ClientRequest, response: unknown): void {
    this.devices.set(request, response, reset);
  }

  /** Answers a registration whose address must be verified first: always 202. */
  accepted(response: unknown): undefined {
    this.adapterHost.httpAdapter.status(response, 202);
    return undefined;
  }

  /** Clears the refresh cookie after a logout. If `request` is given, a cookie with a foreign token is kept. */
  clearCookie(response: unknown, request?: ClientRequest): void {
    if (!request || this.presented.mayForget(request)) this.cookie.clear(response);
  }

  /** Reads the token version from the access token, because a grant does not contain it. */
  private remember(
    { user, session, accessToken }: TokenGrant,
    request: ClientRequest,
    response: unknown,
  ): void {
    const claims = this.signer.verifyAccessToken(accessToken.token);
    const { isRemembered } = session;
    if (claims)
      this.devices.set(request, response, { email: user.email, tokenVersion: claims.ver }, isRemembered);
  }
}
