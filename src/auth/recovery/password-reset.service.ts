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

/** Resets forgotten passwords with a mailed link. */
@Injectable()
export class PasswordResetService {
  /** Links whose reset was reported, so that a retry after a failure does not report it again. */
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
   * Sends a link if the user exists. Always returns at once, because all work that depends on the account is done later.
   * @throws AuthError `NOT_FOUND` without a mailer, `TEMPORARILY_UNAVAILABLE` if too much mail waits
   */
  request(email: string, source: EventSource): void {
    if (!this.notifications.isOn) throw new AuthError('NOT_FOUND');
    this.notifications.mustPost('password_reset', this.composer(normalizeEmail(email), source));
  }

  /**
   * Sets the password with the token of the link, and ends every session of the user. Earlier wrong passwords no longer count
   * for the device and the address of the request. After a failure half-way, a retry with the same token and password
   * completes the reset.
   * @throws AuthError `ACTION_TOKEN_INVALID`; `WEAK_PASSWORD`, `VALIDATION_FAILED` and `TEMPORARILY_UNAVAILABLE`, after
   * which the token is still valid
   */
  async reset(token: string, newPassword: string, client: Requester): Promise<PasswordReset> {
    const source = eventSource(client);
    if (!this.notifications.isOn) throw new AuthError('NOT_FOUND');
    const link = await this.actionTokens.find('password_reset', token);
    const user = link && (await this.users.findById(link.userId));
    if (!user || user.disabledAt) throw new AuthError('ACTION_TOKEN_INVALID');
    // One compare-and-set on the version that the link is bound to decides between all processes. The link is removed
    // last, so that a failure in between does not consume it.
    const isSet =
      bindingOf(user) === link.binding &&
      (await this.users.resetPassword(user, newPassword, tokenVersionAfter(link), source));
    if (!isSet) return this.repeat(link, newPassword, client);
    // The request that removes the link reports it, because a concurrent one may overtake this one.
    let isToReport = true;
    try {
      isToReport = await this.finish(user, user.tokenVersion, link, source);
    } finally {
      // The password is set even if the next steps failed, so the owner must be notified.
      if (isToReport) this.report(link, source);
    }
    return this.welcome(user.email, link, client);
  }

  /**
   * Handles a link that still exists although its password is set: a response failed, or two requests came at once. Completes
   * the remaining steps. Only a request with the same password succeeds, and only at the first attempt.
   */
  private async repeat(link: ActionToken, newPassword: string, client: Requester): Promise<PasswordReset> {
    const source = eventSource(client);
    const user = await this.users.findById(link.userId);
    const retired = user && versionIn(link.binding, user.email);
    if (!retired || user.disabledAt || user.tokenVersion !== tokenVersionAfter(link))
      throw new AuthError('ACTION_TOKEN_INVALID');
    const isSame = await this.users.hasPassword(user, newPassword, source);
    const wasLeft = await this.finish(user, retired, link, source);
    // Also for a different password: the one that was set may not have been reported yet.
    if (wasLeft) this.report(link, source);
    if (!isSame) throw new AuthError('ACTION_TOKEN_INVALID');
    return this.welcome(user.email, link, client);
  }

  /** Removes the lockout of the device and address: the user has proved their identity by mail. */
  private async welcome(email: string, link: ActionToken, client: Requester): Promise<PasswordReset> {
    await this.lockout.forgive(email, client);
    return { email, tokenVersion: tokenVersionAfter(link) };
  }

  /**
   * Runs the steps after the password is set. Safe to repeat, even if the user has logged in since.
   * @returns whether this call removed the link
   */
  private async finish(
    user: UserRecord,
    retired: string,
    link: ActionToken,
    source: EventSource,
  ): Promise<boolean> {
    await this.tokenVersions.afterReset(user.id, { retired, present: tokenVersionAfter(link) }, source);
    // The link also verifies the address. If that cannot be stored now, the next login sends another link.
    if (!user.emailVerifiedAt) await this.users.verifyEmail(user.id).catch(() => undefined);
    // If the removal fails, the link is useless: the version that it is bound to is gone.
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
      // Reported even if no mail is sent: repeated requests matter to the operator.
      if (!isReported)
        void this.events.emit('password.reset_requested', { userId: user?.id ?? null, source });
      isReported = true;
      if (!user || user.disabledAt) return null;
      isAdmitted ??= await this.throttle.admitMail('password_reset', email);
      if (!isAdmitted) return null;
      const issued = await this.actionTokens.issue('password_reset', user.id, bindingOf(user));
      return { user, event: { kind: 'password_reset', ...issued, source } };
    };
  }
}

/**
 * The values that must not change after the link was sent. The token version changes with a new password or a logout
 * everywhere; the address changes if the mailbox that got the link is no longer theirs.
 */
function bindingOf({ tokenVersion, email }: Pick<UserRecord, 'tokenVersion' | 'email'>): string {
  return `${tokenVersion}.${email}`;
}

/** The token version that a link is bound to; null if it went to another address. */
function versionIn(binding: string, email: string): string | null {
  const rest = bindingOf({ tokenVersion: '', email });
  return binding.endsWith(rest) ? binding.slice(0, -rest.length) : null;
}
