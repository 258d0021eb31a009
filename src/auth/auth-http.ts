import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { EventSource } from '../core/events.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import { extractAccessToken } from '../tokens/jwt.strategy.js';
import { KeyRing } from '../tokens/key-ring.js';
import type { ClientTraits } from '../tokens/client-traits.js';
import { TokenSigner } from '../tokens/token-signer.js';
import type { LogoutTokens } from './auth.service.js';
import { DeviceCookie } from './device-cookie.js';
import { type TokenAnswer, tokenAnswer, type TokenGrant } from './dto/answers.js';
import { clientOf, type HttpRequest, sourceOf } from './http-request.js';
import type { PasswordReset } from './recovery/password-reset.service.js';
import { RefreshCookie } from './refresh-cookie.js';

/** What is read of a request, of Express or Fastify. */
export type ClientRequest = Pick<HttpRequest, 'headers' | 'ip' | 'body'>;

/**
 * `AuthService` in HTTP: who asks, which tokens he presents, and how a grant is answered. The library's own routes use
 * nothing else, so a host that writes its own (`controllers: { auth: false }`) can do all that they do. A `response` is
 * the framework's own, injected with `@Res({ passthrough: true })`.
 */
@Injectable()
export class AuthHttp {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly keyRing: KeyRing,
    private readonly signer: TokenSigner,
    private readonly cookie: RefreshCookie,
    private readonly devices: DeviceCookie,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Who sent the request, as a session and the throttle care. */
  clientOf(request: ClientRequest): ClientTraits {
    const { mode, features } = this.options.fingerprint;
    const keys = this.keyRing.fingerprintKeys;
    return { ...clientOf(request, { mode, features, keys }), device: this.devices.read(request) };
  }

  /** Who sent the request, as an event tells. */
  sourceOf(request: ClientRequest): EventSource {
    return sourceOf(request);
  }

  /** What a logout presents: valid tokens, expired and replaced ones too. */
  tokensOf(request: ClientRequest): LogoutTokens {
    return { refreshToken: this.refreshTokenOf(request), accessToken: extractAccessToken(request) };
  }

  /** A validly signed refresh token that came by its session's own way; expired or replaced ones too. */
  refreshTokenOf(request: ClientRequest): RefreshTokenClaims | null {
    const presented = this.cookie.read(request);
    const claims = presented && this.signer.verifyRefreshToken(presented.token);
    return claims && claims.trn === presented.transport ? claims : null;
  }

  /**
   * Answers a registration, a login or a change of password: as {@link answer}, and the device is known to the account from
   * now on.
   */
  welcome(grant: TokenGrant, request: ClientRequest, response: unknown): TokenAnswer {
    if (grant.session.transport === 'cookie') this.remember(grant, request, response);
    return this.answer(grant, response);
  }

  /** Answers with the tokens of a grant: the refresh token goes into the cookie, or into the body in body transport. */
  answer(grant: TokenGrant, response: unknown): TokenAnswer {
    const { token, expiresIn } = grant.refreshToken;
    if (grant.session.transport === 'cookie') this.cookie.set(response, token, expiresIn);
    return tokenAnswer(grant);
  }

  /** Answers a new password by a link: a device that the account knew before it is known on, another one is not. */
  keepKnown({ email, ...versions }: PasswordReset, request: ClientRequest, response: unknown): void {
    const before = { email, tokenVersion: versions.retiredTokenVersion };
    this.devices.keep(request, response, before, { email, tokenVersion: versions.tokenVersion });
  }

  /** Answers a registration whose address has to be verified first: 202, and nothing of what it led to. */
  accepted(response: unknown): undefined {
    this.adapterHost.httpAdapter.status(response, 202);
    return undefined;
  }

  /** Takes the refresh cookie away: after a logout. */
  clearCookie(response: unknown): void {
    this.cookie.clear(response);
  }

  /** The version that a device is known under is in the token: a grant holds nothing else of the store. */
  private remember({ user, accessToken }: TokenGrant, request: ClientRequest, response: unknown): void {
    const claims = this.signer.verifyAccessToken(accessToken.token);
    if (claims) this.devices.set(request, response, { email: user.email, tokenVersion: claims.ver });
  }
}
