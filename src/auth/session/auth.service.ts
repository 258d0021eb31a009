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

/** The tokens of a logout; the sessions of all end. */
export interface LogoutTokens {
  /** Several, where the browser has several cookies of the name. */
  readonly refreshTokens: readonly RefreshTokenClaims[];
  readonly accessToken: string | null;
  /** Needed for tokens that are bound to a key. */
  readonly proof?: RequestProof | undefined;
}

/**
 * What the routes do, with answers that may be shown: no hash and no secret of the store. A host may call it from routes of
 * its own, with `AuthHttp` to read requests and to answer with tokens.
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
   * Creates a user and logs them in; with `emailVerification: 'required'` they have to verify their address first.
   * @returns null where they have to, whether or not the address is taken
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
   * the right password; the latter sends another link), `TOO_MANY_ATTEMPTS`, `SUSPICIOUS_ACTIVITY` (where
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
   * Checks a password as a login does, with its lockout and its events, and opens no session: the first step where a second
   * factor follows. `openSession` does the rest.
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
   * Begins a session for a user whom something else authenticated: an OpenID provider, a passkey, a magic link, a second
   * factor. As a login it checks and reports everything but a password, and no wrong password locks it out.
   * @param sender the request, as `@Req()` gives it on Express and Fastify; null where none asks, as in a script
   * @returns what `AuthHttp.welcome` answers with; it sets the cookies, so a route may redirect afterwards
   * @throws AuthError `NOT_FOUND` (no such user), `ACCOUNT_DISABLED`, `EMAIL_NOT_VERIFIED` (unless `isEmailVerified`; another
   * link is on its way), `SUSPICIOUS_ACTIVITY`, `VALIDATION_FAILED`, `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`
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
   * Records that the user of a request has just proved again who they are, by whatever the host asked for: the session goes
   * on, its refresh token stays as it is, and the new access token passes `@RequireFreshAuth()`.
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
   * As {@link reauthenticate}, by the password. Wrong ones count as at a change of password.
   * @throws AuthError `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS`, and those of {@link reauthenticate}
   */
  async reauthenticateByPassword(
    user: AuthenticatedUser,
    password: string,
    client: ClientTraits,
  ): Promise<AccessGrant> {
    return this.accessGrant(await this.reauthentications.byPassword(user, password, client));
  }

  /** Exchanges a refresh token whose signature was verified; see `RefreshTokenService.refresh` for the errors. */
  async refresh(
    token: RefreshTokenClaims,
    client: ClientTraits,
    fields: RefreshFields = {},
  ): Promise<TokenGrant> {
    return this.grant(await this.refreshTokens.refresh(token, client, fields));
  }

  /**
   * Ends the sessions of the tokens. An earlier or expired refresh token will do, and so will an expired access token:
   * nothing should keep a client from logging out. Tokens that are bound to a key need a proof of it. An access token of
   * somebody who acts for the user ends alone.
   * @param source who asked for it, here and below, for the events; null where no request did
   * @throws AuthError `PROOF_REQUIRED`, `PROOF_NONCE_REQUIRED`; no session has ended then
   */
  async logout(
    { refreshTokens, accessToken, proof }: LogoutTokens,
    source: EventSource | null = null,
  ): Promise<void> {
    const verified = accessToken === null ? null : this.signer.verifyAccessToken(accessToken);
    if (verified?.act) await this.terminator.endAccessToken(verified);
    // Who acts for a user logs nobody out.
    const access = verified?.act ? null : verified;
    const owners = new Map<string, string>();
    const [, ...otherTokens] = refreshTokens;
    for (const claims of [...refreshTokens, access]) {
      if (!claims) continue;
      const isOptional = otherTokens.some((token) => token === claims);
      // A bearer token of the session is enough, whatever else it is bound to.
      const isBearer = access?.sid === claims.sid && !access.cnf;
      if (isBearer || this.isProven(claims, proof, source, isOptional)) owners.set(claims.sid, claims.sub);
    }
    for (const [sessionId, userId] of owners) {
      const ended = await this.terminator.end(userId, [sessionId], 'logged_out', source);
      // Once, however many tabs and retries ask for it.
      if (ended.length > 0)
        void this.events.emit('user.logged_out', { userId, sessionId, everywhere: false, by: null, source });
    }
  }

  /**
   * Ends every session of the user and makes every access token dead.
   * @param by id of the administrator who does it, here and below; null where it is the user himself, or the host
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
   * Changes the password: a new session takes the place of the current one, all others end.
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
   * @param claims the host's own, as the access token has them
   * @throws AuthError `ACCESS_TOKEN_REVOKED` where the user is gone or disabled since
   */
  async me(userId: string, claims?: CustomClaims): Promise<ProfileAnswer> {
    const user = await this.users.findById(userId);
    if (!user || user.disabledAt) throw new AuthError('ACCESS_TOKEN_REVOKED');
    return { ...userAnswer(user, claims), createdAt: user.createdAt };
  }

  /** Live sessions, latest use first. @param currentId the one that is marked as the current one */
  async sessions(userId: string, currentId: string | null = null): Promise<SessionAnswer[]> {
    const [sessions, user] = await Promise.all([
      this.refreshTokens.list(userId),
      this.users.findById(userId),
    ]);
    if (!user || user.disabledAt) return [];
    // A login that raced with a disable or a change of password left a session that no request can use.
    const live = sessions.filter(({ tokenVersion }) => tokenVersion === user.tokenVersion);
    return live.map((session) => sessionAnswer(session, currentId));
  }

  /** @throws AuthError `NOT_FOUND` for an unknown, ended or malformed id, and for another user's */
  async endSession(userId: string, sessionId: string, source: EventSource | null = null): Promise<void> {
    const session = /^[0-9a-f]{24}$/i.test(sessionId) ? await this.refreshTokens.findLive(sessionId) : null;
    if (session?.userId !== userId) throw new AuthError('NOT_FOUND');
    await this.terminator.end(userId, [session.id], 'ended_by_user', source);
  }

  /** All but the one of the request. @throws AuthError `FORBIDDEN` (somebody acts for the user) */
  async endOtherSessions(owner: AuthenticatedUser, source: EventSource | null = null): Promise<void> {
    assertOwner(owner);
    const { id, session } = owner;
    await this.terminator.endAll(id, 'ended_by_user', source, (each) => each.id === session.id);
  }

  /** Disables a user and ends everything they have. False where there is no such user. */
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

  /** Lets a disabled user log in again. False where there is no such user. */
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
   * Sets a user's roles. Access tokens that name the former ones are refused within the revocation bound; their clients
   * refresh, and nobody is logged out. False where there is no such user.
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
   * Has every client of a user get a new access token: the present ones are refused within the revocation bound, and the
   * next refresh brings one with the roles and claims as they are now. Call it after a change of what your claims are made
   * of. No session ends. False where there is no such user.
   */
  async renewAccessTokens(userId: string): Promise<boolean> {
    return this.tokenVersions.retireRoles(userId);
  }

  /**
   * Whether a session may end by a token: one that is bound to a key needs a proof of it.
   * @param isOptional the token of another cookie: it is left alone, and the logout goes on
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
