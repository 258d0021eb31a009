import { Injectable } from '@nestjs/common';
import { assertMethods } from '../../core/authentication-methods.js';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import type { UserRecord } from '../../core/ports.js';
import { printable } from '../../core/printable.js';
import { TRANSPORTS } from '../../core/refresh-token.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { ClientReader, type ClientRequest } from '../../http/client-reader.js';
import { type ClientTraits, eventSource } from '../../tokens/client-traits.js';
import { KnownDevices } from '../../tokens/known-devices.js';
import { type NewSession, type OpenSession, SessionOpener } from '../../tokens/session-opener.js';
import { type Registration, UsersService } from '../../users/users.service.js';
import { EmailVerificationService } from '../verification/email-verification.service.js';
import { type PasswordAttempt, PasswordLockout } from './password-lockout.js';

/** A session for a user that the host authenticated. */
export interface SessionOpening extends Partial<NewSession> {
  /** The authentication methods (RFC 8176), such as `['fed']`, `['hwk', 'user']`, `['otp']` or `['pwd', 'otp']`. */
  readonly amr: readonly string[];
  /**
   * Whether the caller knows that the address belongs to the user, for example because they opened a link. If true, the
   * address is stored as verified.
   * @default false (with `emailVerification: 'required'`, users with an unverified address are refused)
   */
  readonly isEmailVerified?: boolean;
}

const MAX_DEVICE_TEXT = 128;

/** Registrations and logins: who gets a session. */
@Injectable()
export class LoginService {
  constructor(
    private readonly users: UsersService,
    private readonly lockout: PasswordLockout,
    private readonly devices: KnownDevices,
    private readonly emails: EmailVerificationService,
    private readonly clients: ClientReader,
    private readonly sessions: SessionOpener,
    private readonly events: AuthEventBus,
  ) {}

  /** See `AuthService.register`. */
  async register(
    registration: Registration,
    request: NewSession,
    client: ClientTraits,
  ): Promise<OpenSession | null> {
    this.sessions.assertAllowed(request, client);
    const source = eventSource(client);
    if (this.emails.isRequired) {
      await this.emails.register(registration, source);
      return null;
    }
    const user = await this.users.register(registration, source);
    void this.events.emit('user.registered', { userId: user.id, source });
    return this.sessions.open(user, request, client, { amr: ['pwd'] });
  }

  /** See `AuthService.login`. */
  async login(
    email: string,
    password: string,
    request: NewSession,
    client: ClientTraits,
  ): Promise<OpenSession> {
    this.sessions.assertAllowed(request, client);
    const source = eventSource(client);
    const attempt = await this.lockout.beginLogin(email, request, client);
    const user = await this.authenticate(email, password, attempt, source);
    // A device from before a password change is not trusted: it may be the reason for the change.
    const isTrustedDevice = this.devices.isTrusted(client.device, user);
    const login = { failedAttempts: attempt.failedBefore, isTrustedDevice, amr: ['pwd'] };
    const opened = await this.sessions.openByLogin(user, request, client, login);
    // Not earlier: a login that is refused as suspicious must not reset the failures.
    await attempt.succeeded();
    this.report(opened, source);
    return opened;
  }

  /** See `AuthService.checkPassword`. */
  async checkPassword(
    email: string,
    password: string,
    sender: ClientRequest | ClientTraits,
  ): Promise<UserRecord> {
    const client = this.clients.from(sender);
    const attempt = await this.lockout.beginLogin(email, { transport: 'cookie' }, client);
    const user = await this.authenticate(email, password, attempt, eventSource(client));
    await attempt.succeeded();
    return user;
  }

  /** See `AuthService.openSession`. */
  async openSession(
    userId: string,
    sender: ClientRequest | ClientTraits | null,
    { amr, isEmailVerified = false, ...given }: SessionOpening,
  ): Promise<OpenSession> {
    assertMethods(amr);
    const client = this.clients.from(sender);
    const source = eventSource(client);
    const request = asAtLogin(given);
    this.sessions.assertAllowed(request, client);
    const user = await this.users.findById(userId);
    if (!user) throw new AuthError('NOT_FOUND');
    if (user.disabledAt) return this.refuse('ACCOUNT_DISABLED', user, source);
    if (isEmailVerified && !user.emailVerifiedAt) await this.users.verifyEmail(user.id);
    if (!isEmailVerified) this.assertVerified(user, source);
    const isTrustedDevice = this.devices.isTrusted(client.device, user);
    const login = { failedAttempts: 0, isTrustedDevice, amr };
    const opened = await this.sessions.openByLogin(user, request, client, login);
    this.report(opened, source);
    return opened;
  }

  private report({ user, session }: OpenSession, source: EventSource): void {
    const { appId, deviceId, deviceName } = session.device;
    void this.events.emit('user.logged_in', {
      userId: user.id,
      sessionId: session.id,
      device: { appId, deviceId, deviceName },
      amr: session.amr ?? [],
      source,
    });
  }

  /** @throws AuthError `EMAIL_NOT_VERIFIED`, after sending another link */
  private assertVerified(user: UserRecord, source: EventSource): void {
    if (!this.emails.isRequired || user.emailVerifiedAt) return;
    this.emails.request(user, source);
    this.refuse('EMAIL_NOT_VERIFIED', user, source);
  }

  private refuse(
    code: 'ACCOUNT_DISABLED' | 'EMAIL_NOT_VERIFIED',
    { id: userId, email }: UserRecord,
    source: EventSource,
  ): never {
    const reason = code === 'ACCOUNT_DISABLED' ? 'disabled' : 'email_not_verified';
    void this.events.emit('login.failed', { email, userId, reason, source });
    throw new AuthError(code);
  }

  private async authenticate(
    email: string,
    password: string,
    attempt: PasswordAttempt,
    source: EventSource,
  ): Promise<UserRecord> {
    const check = await this.users.checkPassword(email, password, source).catch(async (error: unknown) => {
      // Nothing was hashed: the password is too long, the queue is full or the database is unreachable.
      await attempt.cancelled();
      throw error;
    });
    if (check.outcome !== 'accepted') {
      const userId = check.outcome === 'unknown_user' ? null : check.user.id;
      void this.events.emit('login.failed', { email, userId, reason: check.outcome, source });
      throw new AuthError(check.outcome === 'disabled' ? 'ACCOUNT_DISABLED' : 'INVALID_CREDENTIALS');
    }
    // If this refuses, the attempt stays counted, because it has cost a hash.
    this.assertVerified(check.user, source);
    return check.user;
  }
}

/** Applies the rules of the login route to a host's values. @throws AuthError `VALIDATION_FAILED` */
function asAtLogin({ transport = 'cookie', rememberMe, ...device }: Partial<NewSession>): NewSession {
  if (!TRANSPORTS.includes(transport)) {
    const message = `transport must be one of ${TRANSPORTS.join(', ')}`;
    throw new AuthError('VALIDATION_FAILED', { fields: [{ field: 'transport', message }] });
  }
  const [appId, deviceId, deviceName] = [device.appId, device.deviceId, device.deviceName].map((text) =>
    typeof text === 'string' ? printable(text, MAX_DEVICE_TEXT) : null,
  );
  return { transport, rememberMe, appId, deviceId, deviceName };
}
