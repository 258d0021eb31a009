import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ACTION_TTL_MS, type ActionToken, tokenVersionAfter } from '../../core/action-token.js';
import { normalizeEmail } from '../../core/email.js';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import type { UserRecord } from '../../core/ports.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { type Composed, NotificationService } from '../../notifications/notification.service.js';
import { RevocationService } from '../../revocation/revocation.service.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import type { RefreshSession } from '../../tokens/refresh-token.store.js';
import { SessionTerminator } from '../../tokens/session-terminator.js';
import { ActionTokens } from '../../users/action-tokens.js';
import { UsersService } from '../../users/users.service.js';

/** A password that was set by a link, for `AuthHttp.keepKnown`. Not an answer: the versions are the server's. */
export interface PasswordReset {
  readonly email: string;
  /** The user's, before and after. */
  readonly retiredTokenVersion: string;
  readonly tokenVersion: string;
}

/** A new password for who forgot his, by a link that goes to his mail. */
@Injectable()
export class PasswordResetService {
  /** Links whose passwords were told of here: where what comes after failed, the next try does not tell again. */
  private readonly told = new LRUCache<string, true>({ max: 1000, ttl: ACTION_TTL_MS.password_reset });

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
   * passwords stays so. Where it failed half-way, the same token with the same password does the rest.
   * @throws AuthError `ACTION_TOKEN_INVALID`; `WEAK_PASSWORD`, `VALIDATION_FAILED` and `TEMPORARILY_UNAVAILABLE`, after
   * which the token is still good
   */
  async reset(token: string, newPassword: string, source: EventSource): Promise<PasswordReset> {
    if (!this.notifications.isOn) throw new AuthError('NOT_FOUND');
    const link = await this.actionTokens.find('password_reset', token);
    const user = link && (await this.users.findById(link.userId));
    if (!user || user.disabledAt) throw new AuthError('ACTION_TOKEN_INVALID');
    // One comparison in the database decides, among all processes: the version that the link is bound to goes with it. The
    // link is taken away last, so that a database that fails in between costs nobody his link.
    const isSet = bindingOf(user) === link.binding && (await this.set(user, link, newPassword));
    if (!isSet) return this.repeat(link, newPassword, source);
    // Told by whoever takes the link away: a second try may overtake this one.
    let isToTell = true;
    try {
      isToTell = await this.finish(user, user.tokenVersion, link, source);
    } finally {
      // It is set, whatever fails afterwards: its owner must know.
      if (isToTell) this.tell(link, source);
    }
    return resetOf(user.email, user.tokenVersion, link);
  }

  private async set(user: UserRecord, link: ActionToken, newPassword: string): Promise<boolean> {
    const passwordHash = await this.users.prepareReset(user, newPassword);
    return this.users.resetPassword(user, passwordHash, tokenVersionAfter(link));
  }

  /**
   * A link that is still there though its password is set: its user could not be told so, or comes twice at once. What was
   * left undone is done now. Only who names the same password again learns that it is set, and only at the first guess.
   */
  private async repeat(link: ActionToken, newPassword: string, source: EventSource): Promise<PasswordReset> {
    const user = await this.users.findById(link.userId);
    const retired = user && versionIn(link.binding, user.email);
    if (!retired || user.disabledAt || user.tokenVersion !== tokenVersionAfter(link))
      throw new AuthError('ACTION_TOKEN_INVALID');
    const isSame = await this.users.hasPassword(user, newPassword);
    const wasLeft = await this.finish(user, retired, link, source);
    // Whatever was named now: of the password that is set nobody may have been told.
    if (wasLeft) this.tell(link, source);
    if (!isSame) throw new AuthError('ACTION_TOKEN_INVALID');
    return resetOf(user.email, retired, link);
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
    await this.revocations.revokeTokenVersion(retired);
    const isSince = ({ tokenVersion }: RefreshSession) => tokenVersion === tokenVersionAfter(link);
    await this.terminator.endAll(user.id, 'password_changed', source, isSince);
    // The link came out of his mail. If that cannot be kept now, his next login sends him another one.
    if (!user.emailVerifiedAt) await this.users.verifyEmail(user.id).catch(() => undefined);
    // If it stays it sets nothing: the version that it is bound to is gone.
    return this.actionTokens.use(link).catch(() => true);
  }

  private tell({ hash, userId }: ActionToken, source: EventSource): void {
    if (this.told.has(hash)) return;
    this.told.set(hash, true);
    void this.events.emit('password.reset', { userId, source });
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
function bindingOf({ tokenVersion, email }: Pick<UserRecord, 'tokenVersion' | 'email'>): string {
  return `${tokenVersion}.${email}`;
}

/** The token version that a link is bound to; null where it went to another address. */
function versionIn(binding: string, email: string): string | null {
  const rest = bindingOf({ tokenVersion: '', email });
  return binding.endsWith(rest) ? binding.slice(0, -rest.length) : null;
}

function resetOf(email: string, retiredTokenVersion: string, link: ActionToken): PasswordReset {
  return { email, retiredTokenVersion, tokenVersion: tokenVersionAfter(link) };
}
