import { Injectable } from '@nestjs/common';
import type { ActionToken } from '../../core/action-token.js';
import { acceptEmail } from '../../core/email.js';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import type { UserRecord } from '../../core/ports.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { type Composed, NotificationService } from '../../notifications/notification.service.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { ActionTokens } from '../../users/action-tokens.js';
import { UsersService } from '../../users/users.service.js';

/** Changes a user's address after they opened a link that was sent to the new one. */
@Injectable()
export class EmailChangeService {
  constructor(
    private readonly users: UsersService,
    private readonly actionTokens: ActionTokens,
    private readonly notifications: NotificationService,
    private readonly throttle: ThrottleService,
    private readonly events: AuthEventBus,
  ) {}

  /** Whether there is a mailer, and a store that can change addresses. */
  get isPossible(): boolean {
    return this.notifications.isOn && this.users.canSetEmail;
  }

  /**
   * Sends a link to the new address, and a notice to the current one. Returns at once, whether or not the new address is taken;
   * if it is, its owner gets a notice instead of a link. Beyond the limit of mails for a day, nothing is sent to the new address.
   * @throws AuthError `NOT_FOUND` (not supported), `VALIDATION_FAILED` (invalid address), `TEMPORARILY_UNAVAILABLE` (too much
   * mail waits)
   */
  request(user: UserRecord, newEmail: string, source: EventSource): void {
    if (!this.isPossible) throw new AuthError('NOT_FOUND');
    const email = acceptEmail(newEmail);
    let isAdmitted: boolean | undefined;
    this.notifications.mustPost('email_change', async () => {
      // Counted once, although this runs again after a failure.
      isAdmitted ??= await this.throttle.admitMailBy(user.id);
      return isAdmitted ? this.compose(user, email, source) : null;
    });
    this.notifications.mustPost('email_change_requested', async () => {
      const isAdmitted = await this.throttle.admitMail('email_change_requested', user.email);
      return isAdmitted ? { user, event: { kind: 'email_change_requested', source } } : null;
    });
    void this.events.emit('email.change_requested', { userId: user.id, source });
  }

  /**
   * Changes the address after the link was opened.
   * @throws AuthError `ACTION_TOKEN_INVALID`; `EMAIL_TAKEN` if somebody has registered with the address in the meantime
   * @internal
   */
  async confirm(link: ActionToken, source: EventSource): Promise<void> {
    const user = await this.users.findById(link.userId);
    const email = user && addressIn(link, user);
    if (!user || user.disabledAt || email === null) throw new AuthError('ACTION_TOKEN_INVALID');
    if (!(await this.users.setEmail(user, email))) throw new AuthError('ACTION_TOKEN_INVALID');
    // If the removal fails, the link is useless: it is bound to the old address.
    await this.actionTokens.use(link).catch(() => undefined);
    void this.events.emit('email.changed', { userId: user.id, source });
  }

  private async compose(user: UserRecord, email: string, source: EventSource): Promise<Composed | null> {
    const owner = await this.users.findByEmail(email);
    if (owner && owner.id !== user.id) {
      if (owner.disabledAt || !(await this.throttle.admitMail('email_taken', email))) return null;
      return { user: owner, event: { kind: 'email_taken', source } };
    }
    if (!(await this.throttle.admitMail('email_change', email))) return null;
    const issued = await this.actionTokens.issue('email_change', user.id, bindingOf(user, email));
    // Sent to the new address, so that opening the link proves that it belongs to the user.
    return { user: { ...user, email }, event: { kind: 'email_change', ...issued, source } };
  }
}

/** A password change or a logout everywhere also invalidates the link, because a thief may have requested it. */
function bindingOf(user: Pick<UserRecord, 'email' | 'tokenVersion'>, newEmail: string): string {
  return JSON.stringify([user.tokenVersion, user.email, newEmail]);
}

/** The new address of a link; null if the user's address or token version has changed, or the row is damaged. */
function addressIn({ binding }: ActionToken, user: UserRecord): string | null {
  const newEmail = lastOf(binding);
  return newEmail !== null && bindingOf(user, newEmail) === binding ? newEmail : null;
}

function lastOf(binding: string): string | null {
  try {
    const parts: unknown = JSON.parse(binding);
    const last: unknown = Array.isArray(parts) ? parts.at(-1) : null;
    return typeof last === 'string' ? last : null;
  } catch {
    return null;
  }
}
