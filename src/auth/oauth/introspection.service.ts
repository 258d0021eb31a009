import { Inject, Injectable } from '@nestjs/common';
import type { AccessTokenClaims } from '../../core/access-token.js';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import { CLOCK, type Clock } from '../../core/ports.js';
import type { RefreshTokenClaims } from '../../core/refresh-token.js';
import { hashSecret } from '../../core/successor-seal.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { RevocationService } from '../../revocation/revocation.service.js';
import { AccessTokenAuthenticator } from '../../tokens/access-token.authenticator.js';
import { RefreshTokenService } from '../../tokens/refresh-token.service.js';
import { SessionTerminator } from '../../tokens/session-terminator.js';
import { TokenSigner } from '../../tokens/token-signer.js';
import { UsersService } from '../../users/users.service.js';
import { OAuthError } from './oauth-error.js';

/** The answer about a token (RFC 7662 §2.2). Times are seconds since the epoch. */
export type Introspection = { readonly active: false } | ActiveToken;

interface ActiveToken {
  readonly active: true;
  /** Only for access tokens: a resource server must accept nothing else. */
  readonly token_type?: 'Bearer' | 'DPoP';
  readonly iss: string;
  readonly aud: string;
  /** User id. */
  readonly sub: string;
  readonly client_id?: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  /** Session id. */
  readonly sid: string;
  readonly roles?: readonly string[];
  /** The key that the token is bound to (RFC 9449 §6.2); absent if it is not. */
  readonly cnf?: { readonly jkt: string };
  /** Who acts for the user (RFC 8693 §4.1); absent if the users act for themselves. */
  readonly act?: { readonly sub: string };
}

const INACTIVE: Introspection = { active: false };

/** The logic of the OAuth endpoints. A host may call it from its own routes. */
@Injectable()
export class IntrospectionService {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly signer: TokenSigner,
    private readonly authenticator: AccessTokenAuthenticator,
    private readonly refreshTokens: RefreshTokenService,
    private readonly revocations: RevocationService,
    private readonly terminator: SessionTerminator,
    private readonly users: UsersService,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * Whether a token is valid now. An access token is checked as in a guard, and its session must be live; this counts as a
   * use. A refresh token is active if it is the current one of its session, but only if `hint` is `'refresh_token'`: a service
   * that reads only `active` must not accept it as an access token. Nothing is rotated, and nothing counts as reuse.
   * @throws AuthError `TEMPORARILY_UNAVAILABLE`
   */
  async introspect(token: string, hint: string | null = null): Promise<Introspection> {
    const access = this.signer.verifyAccessToken(token);
    if (access) return this.accessToken(access);
    const refresh = hint === 'refresh_token' ? this.signer.verifyRefreshToken(token) : null;
    return refresh ? this.refreshToken(refresh) : INACTIVE;
  }

  /**
   * Revokes a token. A refresh token, even an earlier or expired one, ends its session with all access tokens. An access token
   * revokes only itself. Anything else is ignored (RFC 7009 §2.2).
   * @throws AuthError `TEMPORARILY_UNAVAILABLE`
   * @throws OAuthError `unsupported_token_type` (RFC 7009 §2.2.1) for an access token, if `revocation.mode` is `off`
   */
  async revoke(token: string, clientId: string, source: EventSource | null = null): Promise<void> {
    const refresh = this.signer.verifyRefreshToken(token);
    if (refresh) {
      await this.terminator.end(refresh.sub, [refresh.sid], 'revoked_by_client', source, clientId);
      return;
    }
    const access = this.signer.verifyAccessToken(token);
    if (!access || this.isOver(access)) return;
    if (!this.revocations.isOn)
      throw new OAuthError('unsupported_token_type', 'Access tokens are not revoked here; they expire.');
    const { sub: userId, sid: sessionId, jti: tokenId } = access;
    // Reported once per token, even if the store fails: the token is already revoked in this process.
    if (!this.revocations.isTokenRevoked(tokenId))
      void this.events.emit('access_token.revoked', { userId, sessionId, tokenId, clientId, source });
    await this.revocations.revokeToken(tokenId, new Date(access.exp * 1000));
  }

  private async accessToken(claims: AccessTokenClaims): Promise<Introspection> {
    const session = await this.refreshTokens.findLive(claims.sid);
    // An actor's token belongs to the actor's own session.
    if (session?.userId !== (claims.act ?? claims).sub) return INACTIVE;
    try {
      await this.authenticator.admit(claims);
    } catch (error) {
      if (error instanceof AuthError && error.status === 401) return INACTIVE;
      throw error;
    }
    const { iss, aud, sub, client_id, iat, exp, jti, sid, roles, cnf, act } = claims;
    const acting = act ? { act: { sub: act.sub } } : {};
    const binding = cnf ? ({ token_type: 'DPoP', cnf } as const) : ({ token_type: 'Bearer' } as const);
    return { active: true, ...binding, iss, aud, sub, client_id, iat, exp, jti, sid, roles, ...acting };
  }

  private async refreshToken(claims: RefreshTokenClaims): Promise<Introspection> {
    if (this.isOver(claims)) return INACTIVE;
    const [session, owner] = await Promise.all([
      this.refreshTokens.findLive(claims.sid),
      this.users.findById(claims.sub),
    ]);
    const isCurrent = session?.userId === claims.sub && session.tokenHash === hashSecret(claims.sec);
    const isOwned = owner && !owner.disabledAt && owner.tokenVersion === session?.tokenVersion;
    if (!isCurrent || !isOwned || this.revocations.isSessionRevoked(session.id, session.tokenVersion))
      return INACTIVE;
    const { iss, aud, sub, iat, exp, jti, sid, cnf } = claims;
    return { active: true, iss, aud, sub, iat, exp, jti, sid, ...(cnf ? { cnf } : {}) };
  }

  private isOver({ exp }: { readonly exp: number }): boolean {
    return this.clock.now() >= exp * 1000;
  }
}
