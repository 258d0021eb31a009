import { Injectable } from '@nestjs/common';
import type { AccessTokenClaims } from '../../core/access-token.js';
import type { CustomClaims } from '../../core/custom-claims.js';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import type { RefreshTokenClaims } from '../../core/refresh-token.js';
import { assertRoles } from '../../core/roles.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import type { ClientRequest } from '../../http/client-reader.js';
import { assertOwner, type AuthenticatedUser } from '../../tokens/access-token.authenticator.js';
import type { ClientTraits, RequestProof } from '../../tokens/client-traits.js';
import type { RefreshFields } from '../../tokens/refresh-request.js';
import { RefreshTokenService } from '../../tokens/refresh-token.service.js';
import type { NewSession, OpenSession } from '../../tokens/session-opener.js';
import { SessionTerminator } from '../../tokens/session-terminator.js';
import { TokenSigner } from '../../tokens/token-signer.js';
import { TokenVersions } from '../../tokens/token-version.js';
import { type Registration, UsersService } from '../../users/users.service.js';
import {
  type AccessGrant,
  accessGrant,
  type ProfileAnswer,
  type SessionAnswer,
  sessionAnswer,
  type TokenGrant,
  type UserAnswer,
  userAnswer,
} from './dto/answers.js';
import { LoginService, type SessionOpening } from './login.service.js';
import { PasswordChangeService } from './password-change.service.js';
import { type Reauthentication, ReauthenticationService } from './reauthentication.service.js';

/** The tokens for a logout. The sessions of all of them end. */
export interface LogoutTokens {
  /** More than one if the browser has several cookies with the name. */
  readonly refreshTokens: readonly RefreshTokenClaims[];
  readonly accessToken: string | null;
  /** Needed for tokens that are bound to a key. */
  readonly proof?: RequestProof | undefined;
}

/**
 * The logic of the routes. Results contain no hashes or secrets of the store. A host may call it from its own routes, with
 * `AuthHttp` to read requests and to answer with tokens.
 */
@Injectable()
export class AuthService {
  constructor(
    private readonly logins: LoginService,
    private readonly passwords: PasswordChangeService,
    private readonly reauthentications: ReauthenticationService,
    private readonly refreshTokens: RefreshTokenService,
    private readonly signer: TokenSigner,
    private readonly users: UsersService,
    private readonly terminator: SessionTerminator,
    private readonly tokenVersions: TokenVersions,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * Creates a user and logs them in. With `emailVerification: 'required'`, they must verify their address first.
   * @returns null if they must verify their address, whether or not it is taken
   * @throws AuthError `EMAIL_TAKEN`, `WEAK_PASSWORD`, `VALIDATION_FAILED`, `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   */
  async register(
    registration: Registration,
    request: NewSession,
    client: ClientTraits,
  ): Promise<TokenGrant | null> {
    const opened = await this.logins.register(registration, request, client);
    return opened && this.grant(opened);
  }

  /**
   * Begins a session.
   * @throws AuthError `INVALID_CREDENTIALS` (unknown e-mail or wrong password), `ACCOUNT_DISABLED` and `EMAIL_NOT_VERIFIED` (with
   * the right password; the latter sends another link), `TOO_MANY_ATTEMPTS`, `SUSPICIOUS_ACTIVITY` (if
   * `anomaly.action` is not `report`), `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   */
  async login(
    email: string,
    password: string,
    request: NewSession,
    client: ClientTraits,
  ): Promise<TokenGrant> {
    return this.grant(await this.logins.login(email, password, request, client));
  }

  /**
   * Checks a password like a login, with its lockout and events, but opens no session: the first step before a second factor.
   * Then call `openSession`.
   * @throws AuthError `INVALID_CREDENTIALS`, `ACCOUNT_DISABLED`, `EMAIL_NOT_VERIFIED`, `TOO_MANY_ATTEMPTS`
   */
  async checkPassword(
    email: string,
    password: string,
    sender: ClientRequest | ClientTraits,
  ): Promise<UserAnswer> {
    return userAnswer(await this.logins.checkPassword(email, password, sender));
  }

  /**
   * Begins a session for a user who authenticated in another way: with an OpenID provider, a passkey, a magic link, a second
   * factor. It checks and reports the same as a login, except the password, and wrong passwords do not lock it out.
   * @param sender the request, as `@Req()` gives it on Express and Fastify; null if there is none, for example in a script
   * @returns a grant for `AuthHttp.welcome`, which sets the cookies, so a route may redirect afterwards
   * @throws AuthError `NOT_FOUND` (no such user), `ACCOUNT_DISABLED`, `EMAIL_NOT_VERIFIED` (unless `isEmailVerified`; it also
   * sends another link), `SUSPICIOUS_ACTIVITY`, `VALIDATION_FAILED`, `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   *
   * @example
   * const grant = await auth.openSession(user.id, request, { amr: ['fed'], isEmailVerified: true });
   * http.welcome(grant, request, response);
   */
  async openSession(
    userId: string,
    sender: ClientRequest | ClientTraits | null,
    opening: SessionOpening,
  ): Promise<TokenGrant> {
    return this.grant(await this.logins.openSession(userId, sender, opening));
  }

  /**
   * Records that the user of a request has just authenticated again, by any method of the host. The session continues, its
   * refresh token does not change, and the new access token passes `@RequireFreshAuth()`.
   * @throws AuthError `ACCESS_TOKEN_REVOKED`, `FORBIDDEN` (somebody acts for the user), `PROOF_REQUIRED`,
   * `PROOF_NONCE_REQUIRED`
   */
  async reauthenticate(
    user: AuthenticatedUser,
    sender: ClientRequest | ClientTraits,
    how: Reauthentication,
  ): Promise<AccessGrant> {
    return this.accessGrant(await this.reauthentications.byHost(user, sender, how));
  }

  /**
   * Like {@link reauthenticate}, with the password. Wrong passwords count as at a password change.
   * @throws AuthError `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS`, and those of {@link reauthenticate}
   */
  async reauthenticateByPassword(
    user: AuthenticatedUser,
    password: string,
    client: ClientTraits,
  ): Promise<AccessGrant> {
    return this.accessGrant(await this.reauthentications.byPassword(user, password, client));
  }

  /** Exchanges a refresh token with a verified signature; see `RefreshTokenService.refresh` for the errors. */
  async refresh(
    token: RefreshTokenClaims,
    client: ClientTraits,
    fields: RefreshFields = {},
  ): Promise<TokenGrant> {
    return this.grant(await this.refreshTokens.refresh(token, client, fields));
  }

  /**
   * Ends the sessions of the tokens. Earlier or expired refresh tokens and expired access tokens work too, so that a client
   * can always log out. Tokens that are bound to a key need a proof of it. The access token of somebody who acts for the user
   * is revoked, but no session ends.
   * @param source the sender of the request, for the events (also below); null if there is no request
   * @throws AuthError `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`; then no session has ended
   */
  async logout(
    { refreshTokens, accessToken, proof }: LogoutTokens,
    source: EventSource | null = null,
  ): Promise<void> {
    const verified = accessToken === null ? null : this.signer.verifyAccessToken(accessToken);
    if (verified?.act) await this.terminator.endAccessToken(verified);
    // An actor's token does not log the user out.
    const access = verified?.act ? null : verified;
    const owners = new Map<string, string>();
    const [, ...otherTokens] = refreshTokens;
    for (const claims of [...refreshTokens, access]) {
      if (!claims) continue;
      const isOptional = otherTokens.some((token) => token === claims);
      // An unbound access token of the session is enough.
      const isBearer = access?.sid === claims.sid && !access.cnf;
      if (isBearer || this.isProven(claims, proof, source, isOptional)) owners.set(claims.sid, claims.sub);
    }
    for (const [sessionId, userId] of owners) {
      const ended = await this.terminator.end(userId, [sessionId], 'logged_out', source);
      // Reported once, even if several tabs or retries ask for it.
      if (ended.length > 0)
        void this.events.emit('user.logged_out', { userId, sessionId, everywhere: false, by: null, source });
    }
  }

  /**
   * Ends every session of the user and revokes every access token.
   * @param by id of the administrator who does it (also below); null for the user or the host
   */
  async logoutEverywhere(
    userId: string,
    source: EventSource | null = null,
    by: string | null = null,
  ): Promise<void> {
    const reason = by === null ? 'logged_out_everywhere' : 'ended_by_administrator';
    await this.tokenVersions.retire(userId, reason, source);
    void this.events.emit('user.logged_out', { userId, sessionId: null, everywhere: true, by, source });
  }

  /**
   * Changes the password. A new session replaces the current one, and all others end.
   * @throws AuthError `INVALID_CREDENTIALS`, `WEAK_PASSWORD`, `VALIDATION_FAILED`, `TOO_MANY_ATTEMPTS`, `PROOF_REQUIRED`,
   * `PROOF_NONCE_REQUIRED`, `FORBIDDEN` (somebody acts for the user)
   */
  async changePassword(
    owner: AuthenticatedUser,
    passwords: { readonly currentPassword: string; readonly newPassword: string },
    client: ClientTraits,
  ): Promise<TokenGrant> {
    assertOwner(owner);
    const current = await this.refreshTokens.findLive(owner.session.id);
    if (!current) throw new AuthError('ACCESS_TOKEN_REVOKED');
    return this.grant(await this.passwords.change(owner.id, current, passwords, client));
  }

  /**
   * @param claims the host's own claims in the access token
   * @throws AuthError `ACCESS_TOKEN_REVOKED` if the user was deleted or disabled
   */
  async me(userId: string, claims?: CustomClaims): Promise<ProfileAnswer> {
    const user = await this.users.findById(userId);
    if (!user || user.disabledAt) throw new AuthError('ACCESS_TOKEN_REVOKED');
    return { ...userAnswer(user, claims), createdAt: user.createdAt };
  }

  /** Live sessions, latest use first. @param currentId the session to mark as the current one */
  async sessions(userId: string, currentId: string | null = null): Promise<SessionAnswer[]> {
    const [sessions, user] = await Promise.all([
      this.refreshTokens.list(userId),
      this.users.findById(userId),
    ]);
    if (!user || user.disabledAt) return [];
    // A login that raced with a disable or a password change leaves a session that no request can use.
    const live = sessions.filter(({ tokenVersion }) => tokenVersion === user.tokenVersion);
    return live.map((session) => sessionAnswer(session, currentId));
  }

  /** @throws AuthError `NOT_FOUND` for an unknown, ended or malformed id, and for another user's */
  async endSession(userId: string, sessionId: string, source: EventSource | null = null): Promise<void> {
    const session = /^[0-9a-f]{24}$/i.test(sessionId) ? await this.refreshTokens.findLive(sessionId) : null;
    if (session?.userId !== userId) throw new AuthError('NOT_FOUND');
    await this.terminator.end(userId, [session.id], 'ended_by_user', source);
  }

  /** Ends all sessions except the one of the request. @throws AuthError `FORBIDDEN` (somebody acts for the user) */
  async endOtherSessions(owner: AuthenticatedUser, source: EventSource | null = null): Promise<void> {
    assertOwner(owner);
    const { id, session } = owner;
    await this.terminator.endAll(id, 'ended_by_user', source, (each) => each.id === session.id);
  }

  /** Disables a user and ends all their sessions and access tokens. Returns false if there is no such user. */
  async disableUser(
    userId: string,
    source: EventSource | null = null,
    by: string | null = null,
  ): Promise<boolean> {
    if (!(await this.users.setDisabled(userId, true))) return false;
    await this.tokenVersions.retire(userId, 'user_disabled', source);
    void this.events.emit('user.disabled', { userId, by, source });
    return true;
  }

  /** Lets a disabled user log in again. Returns false if there is no such user. */
  async enableUser(
    userId: string,
    source: EventSource | null = null,
    by: string | null = null,
  ): Promise<boolean> {
    if (!(await this.users.setDisabled(userId, false))) return false;
    void this.events.emit('user.enabled', { userId, by, source });
    return true;
  }

  /**
   * Sets a user's roles. Access tokens with the earlier roles are refused within the revocation bound; their clients refresh,
   * and nobody is logged out. Returns false if there is no such user.
   * @throws AuthError `VALIDATION_FAILED` (at most fifty roles of at most 64 characters)
   */
  async setRoles(
    userId: string,
    roles: readonly string[],
    source: EventSource | null = null,
    by: string | null = null,
  ): Promise<boolean> {
    assertRoles(roles);
    if (!(await this.tokenVersions.retireRoles(userId, roles))) return false;
    void this.events.emit('user.roles_changed', { userId, roles: [...roles], by, source });
    return true;
  }

  /**
   * Makes every client of a user get a new access token: the existing ones are refused within the revocation bound, and the
   * next refresh returns one with the current roles and claims. Call it after the data behind your claims has changed. No
   * session ends. Returns false if there is no such user.
   */
  async renewAccessTokens(userId: string): Promise<boolean> {
    return this.tokenVersions.retireRoles(userId);
  }

  /**
   * Whether a token may end its session: a session that is bound to a key needs a proof of it.
   * @param isOptional true for a token of an additional cookie: without a proof it is skipped, and the logout continues
   * @throws AuthError `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
   */
  private isProven(
    claims: RefreshTokenClaims | AccessTokenClaims,
    proof: RequestProof | undefined,
    source: EventSource | null,
    isOptional: boolean,
  ): boolean {
    try {
      this.refreshTokens.assertHolder(claims, proof, source);
      return true;
    } catch (error) {
      if (isOptional) return false;
      throw error;
    }
  }

  private grant(opened: OpenSession): TokenGrant {
    const refreshToken = this.signer.signRefreshToken(opened.session, opened.secret);
    return { ...this.accessGrant(opened), refreshToken };
  }

  private accessGrant(opened: Omit<OpenSession, 'secret'>): AccessGrant {
    const { user, session, isRelay, custom } = opened;
    return accessGrant(opened, this.signer.signAccessToken(user, session, { isRelay, custom }));
  }
}
