import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ACTION_TTL_MS, type ActionToken, tokenVersionAfter } from '../../core/action-token.js';
import { normalizeEmail } from '../../core/email.js';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import type { UserRecord } from '../../core/ports.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { type Composed, NotificationService } from '../../notifications/notification.service.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { eventSource } from '../../tokens/client-traits.js';
import { TokenVersions } from '../../tokens/token-version.js';
import { ActionTokens } from '../../users/action-tokens.js';
import { UsersService } from '../../users/users.service.js';
import type { PasswordReset } from '../session/dto/answers.js';
import { PasswordLockout, type Requester } from '../session/password-lockout.js';

/** A new password by a link in a mail, for users who forgot theirs. */
@Injectable()
export class PasswordResetService {
  /** Links whose new password was reported: a retry after a failure does not report it again. */
  private readonly reported = new LRUCache<string, true>({ max: 1000, ttl: ACTION_TTL_MS.password_reset });

  constructor(
    private readonly users: UsersService,
    private readonly actionTokens: ActionTokens,
    private readonly notifications: NotificationService,
    private readonly throttle: ThrottleService,
    private readonly lockout: PasswordLockout,
    private readonly tokenVersions: TokenVersions,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * Sends a link, if there is such a user. Returns at once in any case: everything that depends on the account is done
   * later.
   * @throws AuthError `NOT_FOUND` without a mailer, `TEMPORARILY_UNAVAILABLE` where too much mail waits
   */
  request(email: string, source: EventSource): void {
    if (!this.notifications.isOn) throw new AuthError('NOT_FOUND');
    this.notifications.mustPost('password_reset', this.composer(normalizeEmail(email), source));
  }

  /**
   * Sets the password by the token of the link, and ends every session of the user. Wrong passwords before it no longer
   * count for the device and the address of the request. After a failure half-way, the same token with the same password
   * does the rest.
   * @throws AuthError `ACTION_TOKEN_INVALID`; `WEAK_PASSWORD`, `VALIDATION_FAILED` and `TEMPORARILY_UNAVAILABLE`, after
   * which the token is still good
   */
  async reset(token: string, newPassword: string, client: Requester): Promise<PasswordReset> {
    const source = eventSource(client);
    if (!this.notifications.isOn) throw new AuthError('NOT_FOUND');
    const link = await this.actionTokens.find('password_reset', token);
    const user = link && (await this.users.findById(link.userId));
    if (!user || user.disabledAt) throw new AuthError('ACTION_TOKEN_INVALID');
    // One compare-and-set decides among all processes, by the version that the link is bound to. The link is removed
    // last, so that a failure in between does not use it up.
    const isSet =
      bindingOf(user) === link.binding &&
      (await this.users.resetPassword(user, newPassword, tokenVersionAfter(link), source));
    if (!isSet) return this.repeat(link, newPassword, client);
    // Reported by the request that removes the link: a second one may overtake this one.
    let isToReport = true;
    try {
      isToReport = await this.finish(user, user.tokenVersion, link, source);
    } finally {
      // The password is set, even if the rest failed: its owner must know.
      if (isToReport) this.report(link, source);
    }
    return this.welcome(user.email, link, client);
  }

  /**
   * A link that still exists though its password is set: the answer failed, or two requests came at once. Does what was
   * left undone. Only a request with the same password learns that it is set, and only at the first guess.
   */
  private async repeat(link: ActionToken, newPassword: string, client: Requester): Promise<PasswordReset> {
    const source = eventSource(client);
    const user = await this.users.findById(link.userId);
    const retired = user && versionIn(link.binding, user.email);
    if (!retired || user.disabledAt || user.tokenVersion !== tokenVersionAfter(link))
      throw new AuthError('ACTION_TOKEN_INVALID');
    const isSame = await this.users.hasPassword(user, newPassword, source);
    const wasLeft = await this.finish(user, retired, link, source);
    // Even if this password is another one: the one that is set may not have been reported.
    if (wasLeft) this.report(link, source);
    if (!isSame) throw new AuthError('ACTION_TOKEN_INVALID');
    return this.welcome(user.email, link, client);
  }

  /** Whoever has proved by mail who they are can log in at once, from where they did so. */
  private async welcome(email: string, link: ActionToken, client: Requester): Promise<PasswordReset> {
    await this.lockout.forgive(email, client);
    return { email, tokenVersion: tokenVersionAfter(link) };
  }

  /**
   * Everything after the password is set; safe to repeat, also when the user has logged in since.
   * @returns whether the link was still there to be taken away
   */
  private async finish(
    user: UserRecord,
    retired: string,
    link: ActionToken,
    source: EventSource,
  ): Promise<boolean> {
    await this.tokenVersions.afterReset(user.id, { retired, present: tokenVersionAfter(link) }, source);
    // The link proves the address. If that cannot be stored now, the next login sends another link.
    if (!user.emailVerifiedAt) await this.users.verifyEmail(user.id).catch(() => undefined);
    // If it stays, it can set nothing: the version that it is bound to is gone.
    return this.actionTokens.use(link).catch(() => true);
  }

  private report({ hash, userId }: ActionToken, source: EventSource): void {
    if (this.reported.has(hash)) return;
    this.reported.set(hash, true);
    void this.events.emit('password.reset', { userId, source });
  }

  /** Composes the mail. The function runs again after a failure, but reports and counts only once. */
  private composer(email: string, source: EventSource): () => Promise<Composed | null> {
    let isReported = false;
    let isAdmitted: boolean | undefined;
    return async () => {
      const user = await this.users.findByEmail(email);
      // Whether or not a mail goes out: repeated requests matter to the operator.
      if (!isReported)
        void this.events.emit('password.reset_requested', { userId: user?.id ?? null, source });
      isReported = true;
      if (!user || user.disabledAt) return null;
      isAdmitted ??= await this.throttle.admitMail('password_reset', email);
      if (!isAdmitted) return null;
      const issued = await this.actionTokens.issue('password_reset', user.id, bindingOf(user));
      return { user, happening: { kind: 'password_reset', ...issued, source } };
    };
  }
}

/**
 * What must not have changed since the link was sent. Another token version: the password was changed, or the user logged
 * out everywhere. Another address: the mailbox that got the link is no longer theirs.
 */
function bindingOf({ tokenVersion, email }: Pick<UserRecord, 'tokenVersion' | 'email'>): string {
  return `${tokenVersion}.${email}`;
}

/** The token version that a link is bound to; null where it went to another address. */
function versionIn(binding: string, email: string): string | null {
  const rest = bindingOf({ tokenVersion: '', email });
  return binding.endsWith(rest) ? binding.slice(0, -rest.length) : null;
}
