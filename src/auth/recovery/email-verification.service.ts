import { Inject, Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../core/options/resolve-options.js';
import type { NewUser, UserRecord } from '../../core/ports.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { type Composed, NotificationService } from '../../notifications/notification.service.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { ActionTokens } from '../../users/action-tokens.js';
import { type Registration, UsersService } from '../../users/users.service.js';

/** Proof that an address is its user's, by a link that goes to it. */
@Injectable()
export class EmailVerificationService {
  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly users: UsersService,
    private readonly actionTokens: ActionTokens,
    private readonly notifications: NotificationService,
    private readonly throttle: ThrottleService,
    private readonly events: AuthEventBus,
  ) {}

  /** Whether nobody logs in before his address is verified. */
  get isRequired(): boolean {
    return this.options.emailVerification === 'required';
  }

  /**
   * Registers a user who has to verify his address first. What is done before it resolves is the same whether or not the
   * address is taken; its owner is told by mail, of his new account or of the attempt.
   * @throws AuthError `WEAK_PASSWORD`, `VALIDATION_FAILED`, `TEMPORARILY_UNAVAILABLE`
   */
  async register(registration: Registration, source: EventSource): Promise<void> {
    const user = await this.users.prepare(registration);
    // For nothing but the question whether the database is there: the answer is not looked at.
    await this.users.findByEmail(user.email);
    // Kept between attempts: who was made by the first is not taken for somebody else by the second.
    let created: UserRecord | null = null;
    const compose = async () => {
      created ??= await this.create(user, source);
      return created ? this.compose(created, source) : this.composeTaken(user.email, source);
    };
    if (!this.notifications.post('registration', compose))
      throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'too much mail waits', retryAfter: 30 });
  }

  /** Sends another link to a user who has not verified his address yet. */
  request(user: UserRecord, source: EventSource): void {
    this.notifications.post('email_verification', () => this.compose(user, source));
  }

  /** @throws AuthError `ACTION_TOKEN_INVALID`, `NOT_FOUND` without a mailer */
  async verify(token: string, source: EventSource): Promise<void> {
    if (!this.notifications.isOn) throw new AuthError('NOT_FOUND');
    const found = await this.actionTokens.find('email_verification', token);
    const user = found && (await this.users.findById(found.userId));
    if (!user || user.email !== found.binding) throw new AuthError('ACTION_TOKEN_INVALID');
    // First what the link is for, which is safe to repeat: a database that fails in between costs nobody his link.
    await this.users.verifyEmail(user.id);
    // Of two at once one is told so. That a link could not be taken away is no news for him whose address is verified.
    const isFirst = await this.actionTokens.use(found).catch(() => true);
    if (!isFirst) throw new AuthError('ACTION_TOKEN_INVALID');
    void this.events.emit('email.verified', { userId: user.id, source });
  }

  /** Null: the address is taken. */
  private async create(user: NewUser, source: EventSource): Promise<UserRecord | null> {
    try {
      const created = await this.users.create(user);
      void this.events.emit('user.registered', { userId: created.id, source });
      return created;
    } catch (error) {
      if (error instanceof AuthError && error.code === 'EMAIL_TAKEN') return null;
      throw error;
    }
  }

  private async composeTaken(email: string, source: EventSource): Promise<Composed | null> {
    const user = await this.users.findByEmail(email);
    if (!user || user.disabledAt || !(await this.throttle.admitMail('email_taken', email))) return null;
    return { user, happening: { kind: 'email_taken', source } };
  }

  private async compose(user: UserRecord, source: EventSource): Promise<Composed | null> {
    if (!(await this.throttle.admitMail('email_verification', user.email))) return null;
    const issued = await this.actionTokens.issue('email_verification', user.id, user.email);
    return { user, happening: { kind: 'email_verification', ...issued, source } };
  }
}
