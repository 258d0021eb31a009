import { Injectable } from '@nestjs/common';
import { normalizeEmail } from '../../core/email.js';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import type { UserRecord } from '../../core/ports.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { type Composed, NotificationService } from '../../notifications/notification.service.js';
import { RevocationService } from '../../revocation/revocation.service.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { SessionTerminator } from '../../tokens/session-terminator.js';
import { ActionTokens } from '../../users/action-tokens.js';
import { UsersService } from '../../users/users.service.js';

/** A new password for who forgot his, by a link that goes to his mail. */
@Injectable()
export class PasswordResetService {
  constructor(
    private readonly users: UsersService,
    private readonly actionTokens: ActionTokens,
    private readonly notifications: NotificationService,
    private readonly throttle: ThrottleService,
    private readonly revocations: RevocationService,
    private readonly terminator: SessionTerminator,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * Sends a link, if there is such a user. Returns at once, whoever it is for: everything that depends on the account is
   * done later.
   * @throws AuthError `NOT_FOUND` without a mailer, `TEMPORARILY_UNAVAILABLE` where too much mail waits
   */
  request(email: string, source: EventSource): void {
    if (!this.notifications.isOn) throw new AuthError('NOT_FOUND');
    if (!this.notifications.post('password_reset', this.composer(normalizeEmail(email), source)))
      throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'too much mail waits', retryAfter: 30 });
  }

  /**
   * Sets the password by the token of the link, and ends every session of the user. Whoever is locked out for wrong
   * passwords stays so.
   * @throws AuthError `ACTION_TOKEN_INVALID`; `WEAK_PASSWORD` and `VALIDATION_FAILED`, after which the token is still good
   */
  async reset(token: string, newPassword: string, source: EventSource): Promise<void> {
    if (!this.notifications.isOn) throw new AuthError('NOT_FOUND');
    const found = await this.actionTokens.find('password_reset', token);
    const user = found && (await this.users.findById(found.userId));
    if (!user || user.disabledAt || bindingOf(user) !== found.binding)
      throw new AuthError('ACTION_TOKEN_INVALID');
    const passwordHash = await this.users.prepareReset(user, newPassword);
    // Twice held to one: the token is used up once, and sets a password only while the version is still its own.
    const isFirst = await this.actionTokens.use(found);
    if (!isFirst || !(await this.users.resetPassword(user, passwordHash)))
      throw new AuthError('ACTION_TOKEN_INVALID');
    try {
      await this.revocations.revokeTokenVersion(user.tokenVersion);
      await this.terminator.endAll(user.id, 'password_changed', source);
      // The link came out of his mail. If that cannot be kept now, his next login sends him another one.
      if (!user.emailVerifiedAt) await this.users.verifyEmail(user.id).catch(() => undefined);
    } finally {
      // It is set, whatever fails afterwards: its owner must know.
      void this.events.emit('password.reset', { userId: user.id, source });
    }
  }

  /** What it gives is asked again after a failure: what was told of and counted by then is so once. */
  private composer(email: string, source: EventSource): () => Promise<Composed | null> {
    let isTold = false;
    let isAdmitted: boolean | undefined;
    return async () => {
      const user = await this.users.findByEmail(email);
      // Whether or not a mail goes out: that somebody asks again and again is what matters.
      if (!isTold) void this.events.emit('password.reset_requested', { userId: user?.id ?? null, source });
      isTold = true;
      isAdmitted ??= await this.throttle.admitMail('password_reset', email);
      if (!isAdmitted || !user || user.disabledAt) return null;
      const issued = await this.actionTokens.issue('password_reset', user.id, bindingOf(user));
      return { user, happening: { kind: 'password_reset', ...issued, source } };
    };
  }
}

/**
 * What must not have changed since the link went out. Another token version: the password was changed, or the user logged
 * out everywhere. Another address: the mailbox that got the link is no longer his.
 */
function bindingOf({ tokenVersion, email }: UserRecord): string {
  return `${tokenVersion}.${email}`;
}
