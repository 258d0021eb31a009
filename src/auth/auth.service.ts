import { Inject, Injectable } from '@nestjs/common';
import { isKnownDevice, isTrustedDevice } from '../core/device-token.js';
import { normalizeEmail } from '../core/email.js';
import { AuthError } from '../core/errors.js';
import type { AuthEvents, EventSource } from '../core/events.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { UserRecord } from '../core/ports.js';
import type { RefreshTokenClaims } from '../core/refresh-token.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { RevocationService } from '../revocation/revocation.service.js';
import type { AuthenticatedUser } from '../tokens/access-token.authenticator.js';
import { type ClientTraits, sourceOf } from '../tokens/client-traits.js';
import { type NewSession, type OpenSession, RefreshTokenService } from '../tokens/refresh-token.service.js';
import { KeyRing } from '../tokens/key-ring.js';
import { SessionTerminator } from '../tokens/session-terminator.js';
import { clientAddress } from '../throttle/client-address.js';
import { type Attempt, ThrottleService } from '../throttle/throttle.service.js';
import { TokenSigner } from '../tokens/token-signer.js';
import { type Registration, UsersService } from '../users/users.service.js';
import { EmailVerificationService } from './recovery/email-verification.service.js';
import {
  type ProfileAnswer,
  type SessionAnswer,
  sessionAnswer,
  type TokenGrant,
  userAnswer,
} from './dto/answers.js';

/** What a logout may present; all of it is ended. */
export interface LogoutTokens {
  readonly refreshToken: RefreshTokenClaims | null;
  readonly accessToken: string | null;
}

/**
 * The use cases behind the routes, in shapes that may be shown: no hash and no secret of the store. A host may call them
 * from routes of its own, with `AuthHttp` to read requests and to answer with tokens.
 */
@Injectable()
export class AuthService {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly users: UsersService,
    private readonly refreshTokens: RefreshTokenService,
    private readonly keyRing: KeyRing,
    private readonly signer: TokenSigner,
    private readonly terminator: SessionTerminator,
    private readonly revocations: RevocationService,
    private readonly throttle: ThrottleService,
    private readonly events: AuthEventBus,
    private readonly emails: EmailVerificationService,
  ) {}

  /**
   * Creates a user and logs him in; with `emailVerification: 'required'` he has to verify his address first.
   * @returns null where he has to, alike whether or not the address is taken
   * @throws AuthError `EMAIL_TAKEN`, `WEAK_PASSWORD`, `VALIDATION_FAILED`
   */
  async register(
    registration: Registration,
    request: NewSession,
    client: ClientTraits,
  ): Promise<TokenGrant | null> {
    this.assertTransport(request);
    if (this.emails.isRequired) {
      await this.emails.register(registration, sourceOf(client));
      return null;
    }
    const user = await this.users.register(registration);
    void this.events.emit('user.registered', {
      userId: user.id,
      source: sourceOf(client),
    });
    return this.grant(await this.refreshTokens.open(user, request, client));
  }

  /**
   * Begins a session.
   * @throws AuthError `INVALID_CREDENTIALS` (e-mail and password alike), `ACCOUNT_DISABLED` and `EMAIL_NOT_VERIFIED` (with
   * the right password; the latter sends another link), `TOO_MANY_ATTEMPTS`, `SUSPICIOUS_ACTIVITY` (where `anomaly.action` is not `report`)
   */
  async login(
    email: string,
    password: string,
    request: NewSession,
    client: ClientTraits,
  ): Promise<TokenGrant> {
    this.assertTransport(request);
    const source = sourceOf(client);
    const attempt = await this.attemptOf(normalizeEmail(email), request, client);
    const counted = await this.beginAttempt(attempt, { email: attempt.email, userId: null, source });
    const check = await this.users.checkPassword(email, password).catch(async (error: unknown) => {
      await this.throttle.cancelled(attempt);
      throw error;
    });
    if (check.outcome !== 'accepted') {
      const userId = check.outcome === 'unknown_user' ? null : check.user.id;
      void this.events.emit('login.failed', { email, userId, reason: check.outcome, source });
      throw new AuthError(check.outcome === 'disabled' ? 'ACCOUNT_DISABLED' : 'INVALID_CREDENTIALS');
    }
    if (this.emails.isRequired && !check.user.emailVerifiedAt) {
      // The password was right: it is no failure.
      await this.throttle.cancelled(attempt);
      this.emails.request(check.user, source);
      const reason = 'email_not_verified';
      void this.events.emit('login.failed', { email, userId: check.user.id, reason, source });
      throw new AuthError('EMAIL_NOT_VERIFIED');
    }
    // A device that is known from before the password was changed vouches for nobody: perhaps it is whose login made the owner
    // change it. On one that the account trusts, its owner mistypes.
    const isKnownDevice = this.isTrustedDevice(check.user, client);
    const failedAttempts = attempt.standing === 'trusted' ? 0 : counted;
    const circumstances = { failedAttempts, isKnownDevice };
    const opened = await this.refreshTokens.open(check.user, request, client, null, circumstances);
    // Not before: a login that was refused as suspicious leaves the failures counted.
    await this.throttle.succeeded(attempt);
    const { appId, deviceId, deviceName } = opened.session.device;
    void this.events.emit('user.logged_in', {
      userId: check.user.id,
      sessionId: opened.session.id,
      device: { appId, deviceId, deviceName },
      source,
    });
    return this.grant(opened);
  }

  /** Exchanges a refresh token whose signature was verified; see `RefreshTokenService.refresh` for the errors. */
  async refresh(token: RefreshTokenClaims, client: ClientTraits): Promise<TokenGrant> {
    return this.grant(await this.refreshTokens.refresh(token, client));
  }

  /**
   * Ends the sessions of the tokens: an earlier or expired refresh token serves, and so does an expired access token,
   * because a client that wants to leave is let go.
   * @param source who asked for it, here and below, for the events; null where no request did
   */
  async logout(
    { refreshToken, accessToken }: LogoutTokens,
    source: EventSource | null = null,
  ): Promise<void> {
    const access = accessToken === null ? null : this.signer.verifyAccessToken(accessToken);
    const owners = new Map<string, string>();
    for (const claims of [refreshToken, access]) if (claims) owners.set(claims.sid, claims.sub);
    for (const [sessionId, userId] of owners) {
      const ended = await this.terminator.end(userId, [sessionId], 'logged_out', source);
      // Once, however many tabs and retries ask for it: no token is too old for that.
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
    await this.retireTokens(userId);
    const reason = by === null ? 'logged_out_everywhere' : 'ended_by_administrator';
    await this.terminator.endAll(userId, reason, source);
    void this.events.emit('user.logged_out', { userId, sessionId: null, everywhere: true, by, source });
  }

  /**
   * Changes the password: a new session takes the place of the current one, all others end.
   * @throws AuthError `INVALID_CREDENTIALS`, `WEAK_PASSWORD`, `VALIDATION_FAILED`, `TOO_MANY_ATTEMPTS`
   */
  async changePassword(
    { id, session: { id: currentId } }: AuthenticatedUser,
    passwords: { readonly currentPassword: string; readonly newPassword: string },
    client: ClientTraits,
  ): Promise<TokenGrant> {
    const current = await this.refreshTokens.findLive(currentId);
    if (!current) throw new AuthError('ACCESS_TOKEN_REVOKED');
    const { currentPassword, newPassword } = passwords;
    // Whoever holds an access token must not be able to guess the password behind it.
    const attempt = { email: id, origin: `session:${currentId}`, standing: 'trusted' } as const;
    const source = sourceOf(client);
    await this.beginAttempt(attempt, { email: null, userId: id, source });
    const { user, retiredTokenVersion } = await this.users
      .changePassword(id, currentPassword, newPassword)
      .catch((error: unknown) => this.refuseChange(error, attempt, id, source));
    try {
      await this.throttle.succeeded(attempt);
      await this.revocations.revokeTokenVersion(retiredTokenVersion);
      const request = { transport: current.transport, ...current.device };
      const opened = await this.refreshTokens.open(user, request, client, currentId);
      await this.terminator.endAll(id, 'password_changed', source, (each) => each.id === opened.session.id);
      return this.grant(opened);
    } finally {
      // It is changed, whatever fails afterwards: its owner must know.
      void this.events.emit('password.changed', { userId: id, source });
    }
  }

  /** @throws AuthError `ACCESS_TOKEN_REVOKED` where the user is gone or disabled since */
  async me(userId: string): Promise<ProfileAnswer> {
    const user = await this.users.findById(userId);
    if (!user || user.disabledAt) throw new AuthError('ACCESS_TOKEN_REVOKED');
    return { ...userAnswer(user), createdAt: user.createdAt };
  }

  /** Live sessions, latest use first. @param currentId the one that is marked as the current one */
  async sessions(userId: string, currentId: string | null = null): Promise<SessionAnswer[]> {
    const [sessions, user] = await Promise.all([
      this.refreshTokens.list(userId),
      this.users.findById(userId),
    ]);
    if (!user || user.disabledAt) return [];
    // A login that a disable or a change of password has overtaken: it yields nothing, though nobody has ended it.
    const live = sessions.filter(({ tokenVersion }) => tokenVersion === user.tokenVersion);
    return live.map((session) => sessionAnswer(session, currentId));
  }

  /** @throws AuthError `NOT_FOUND`: another user's, an unknown, an ended or a malformed id alike */
  async endSession(userId: string, sessionId: string, source: EventSource | null = null): Promise<void> {
    const session = /^[0-9a-f]{24}$/i.test(sessionId) ? await this.refreshTokens.findLive(sessionId) : null;
    if (session?.userId !== userId) throw new AuthError('NOT_FOUND');
    await this.terminator.end(userId, [session.id], 'ended_by_user', source);
  }

  async endOtherSessions(
    { id, session }: AuthenticatedUser,
    source: EventSource | null = null,
  ): Promise<void> {
    await this.terminator.endAll(id, 'ended_by_user', source, (each) => each.id === session.id);
  }

  /** Disables a user and ends everything he has. False where there is no such user. */
  async disableUser(
    userId: string,
    source: EventSource | null = null,
    by: string | null = null,
  ): Promise<boolean> {
    if (!(await this.users.setDisabled(userId, true))) return false;
    await this.retireTokens(userId);
    await this.terminator.endAll(userId, 'user_disabled', source);
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

  private async retireTokens(userId: string): Promise<void> {
    const retired = await this.users.retireTokenVersion(userId);
    if (retired !== null) await this.revocations.revokeTokenVersion(retired);
  }

  /** A device that the account knows counts for itself: by its cookie, or by the `deviceId` of an earlier session. */
  private async attemptOf(email: string, request: NewSession, client: ClientTraits): Promise<Attempt> {
    const { device, ip } = client;
    const { deviceId, transport } = request;
    const stranger: Attempt = { email, origin: `address:${clientAddress(ip)}`, standing: 'unknown' };
    if (!this.options.throttle) return stranger;
    if (device && this.isKnownDevice(email, client)) {
      const user = await this.users.findByEmail(email);
      const isTrusted = user !== null && this.isTrustedDevice(user, client);
      return { email, origin: `device:${device.id}`, standing: isTrusted ? 'trusted' : 'former' };
    }
    if (transport !== 'body' || !deviceId) return stranger;
    // The same questions for an account that does not exist: the time must not tell.
    const user = await this.users.findByEmail(email);
    const [isKnown, isTrusted] = await Promise.all([
      this.refreshTokens.knowsDevice(user?.id ?? '', deviceId),
      this.refreshTokens.knowsDevice(user?.id ?? '', deviceId, user?.tokenVersion ?? ''),
    ]);
    if (!user || !isKnown) return stranger;
    return { email, origin: `device:${user.id}.${deviceId}`, standing: isTrusted ? 'trusted' : 'former' };
  }

  /** Whether the device carries the account's cookie, of a login after its token version was made. */
  private isTrustedDevice(user: UserRecord, { device }: ClientTraits): boolean {
    return device ? isTrustedDevice(device, user, this.keyRing.deviceKeys) : false;
  }

  /** Whether the device carries the account's cookie, of whatever time. */
  private isKnownDevice(email: string, { device }: ClientTraits): boolean {
    return device ? isKnownDevice(device, email, this.keyRing.deviceKeys) : false;
  }

  /** @returns how many failures were counted before */
  private async beginAttempt(
    attempt: Attempt,
    who: Omit<AuthEvents['login.locked'], 'reason'>,
  ): Promise<number> {
    try {
      return await this.throttle.beginPasswordAttempt(attempt);
    } catch (error) {
      if (error instanceof AuthError && error.code === 'TOO_MANY_ATTEMPTS')
        void this.events.emit('login.locked', { ...who, reason: 'failure_limit' });
      throw error;
    }
  }

  /** A wrong current password is a guess and is told of; whatever else went wrong is no failure to be counted. */
  private async refuseChange(
    error: unknown,
    attempt: Attempt,
    userId: string,
    source: EventSource,
  ): Promise<never> {
    if (!(error instanceof AuthError && error.code === 'INVALID_CREDENTIALS')) {
      await this.throttle.cancelled(attempt);
      throw error;
    }
    const email = (await this.users.findById(userId))?.email ?? '';
    void this.events.emit('login.failed', { email, userId, reason: 'wrong_current_password', source });
    throw error;
  }

  private assertTransport({ transport }: NewSession): void {
    if (transport !== 'body' || this.options.refreshToken.allowBodyTransport) return;
    throw new AuthError('VALIDATION_FAILED', {
      fields: [{ field: 'transport', message: 'body transport is not allowed' }],
    });
  }

  private grant({ user, session, secret }: OpenSession): TokenGrant {
    const { id, generation, expiresAt, transport } = session;
    return {
      user: userAnswer(user),
      session: { id, generation, expiresAt, transport },
      accessToken: this.signer.signAccessToken(user, session),
      refreshToken: this.signer.signRefreshToken(session, secret),
    };
  }
}
