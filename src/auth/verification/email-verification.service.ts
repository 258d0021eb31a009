import { Inject, Injectable, Logger } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import type { EventSource } from '../../core/events.js';
import type { NewUser, UserRecord } from '../../core/ports.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { type Composed, NotificationService } from '../../notifications/notification.service.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../../options/resolve-options.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { ActionTokens } from '../../users/action-tokens.js';
import { type Registration, UsersService } from '../../users/users.service.js';
import { EmailChangeService } from './email-change.service.js';

/** Verifies that an address belongs to its user, with a link that is sent to it. */
@Injectable()
export class EmailVerificationService {
  private readonly logger = new Logger('EmailVerificationService');

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly users: UsersService,
    private readonly actionTokens: ActionTokens,
    private readonly notifications: NotificationService,
    private readonly throttle: ThrottleService,
    private readonly events: AuthEventBus,
    private readonly changes: EmailChangeService,
  ) {}

  /** Whether users have to verify their address before they can log in. */
  get isRequired(): boolean {
    return this.options.emailVerification === 'required';
  }

  /**
   * Registers a user who has to verify their address first. It does the same work before it resolves, whether or not the
   * address is taken. The owner of the address gets a mail about the new account or about the attempt.
   * @throws AuthError `WEAK_PASSWORD`, `VALIDATION_FAILED`, `TEMPORARILY_UNAVAILABLE`
   */
  async register(registration: Registration, source: EventSource): Promise<void> {
    const user = await this.users.prepare(registration, source);
    // Only checks that the database answers.
    await this.users.findByEmail(user.email);
    // Kept between attempts: a retry must not treat the user that the first attempt created as a taken address.
    let created: UserRecord | null = null;
    const compose = async () => {
      created ??= await this.create(user, source);
      return created ? this.compose(created, source) : this.composeTaken(user.email, source);
    };
    this.notifications.mustPost('registration', compose);
  }

  /** Sends another link to a user who has not verified their address yet. */
  request(user: UserRecord, source: EventSource): void {
    this.notifications.post('email_verification', () => this.compose(user, source));
  }

  /**
   * Verifies an address with a link; handles links for changes of address too.
   * @throws AuthError `ACTION_TOKEN_INVALID`, `NOT_FOUND` without a mailer; `EMAIL_TAKEN` for a change of address
   */
  async verify(token: string, source: EventSource): Promise<void> {
    if (!this.notifications.isOn) throw new AuthError('NOT_FOUND');
    const link = await this.actionTokens.find(['email_verification', 'email_change'], token);
    if (link?.kind === 'email_change') return this.changes.confirm(link, source);
    const user = link && (await this.users.findById(link.userId));
    if (!user || user.email !== link.binding) throw new AuthError('ACTION_TOKEN_INVALID');
    // Verify first, which is safe to repeat, so that a failure in between does not consume the link.
    await this.users.verifyEmail(user.id);
    // Only one of two concurrent requests succeeds. If the link cannot be removed, the address is verified anyway.
    const isFirst = await this.actionTokens.use(link).catch(() => true);
    if (!isFirst) throw new AuthError('ACTION_TOKEN_INVALID');
    void this.events.emit('email.verified', { userId: user.id, source });
  }

  /** Returns null if the address is taken. */
  private async create(user: NewUser, source: EventSource): Promise<UserRecord | null> {
    try {
      const created = await this.users.create(user);
      void this.events.emit('user.registered', { userId: created.id, source });
      return created;
    } catch (error) {
      if (error instanceof AuthError && error.code === 'EMAIL_TAKEN') return null;
      // The response was already 202. Without this log line nobody would notice that there is no account.
      if (!(error instanceof AuthError && error.code === 'TEMPORARILY_UNAVAILABLE'))
        this.logger.error(
          `a registration was accepted, but the user could not be stored: ${reasonOf(error)}`,
        );
      throw error;
    }
  }

  private async composeTaken(email: string, source: EventSource): Promise<Composed | null> {
    const user = await this.users.findByEmail(email);
    if (!user || user.disabledAt || !(await this.throttle.admitMail('email_taken', email))) return null;
    return { user, event: { kind: 'email_taken', source } };
  }

  private async compose(user: UserRecord, source: EventSource): Promise<Composed | null> {
    if (!(await this.throttle.admitMail('email_verification', user.email))) return null;
    const issued = await this.actionTokens.issue('email_verification', user.id, user.email);
    return { user, event: { kind: 'email_verification', ...issued, source } };
  }
}

/** The reason without messages of the database, which may contain values. */
function reasonOf(error: unknown): string {
  if (error instanceof AuthError) return error.detail ?? error.code;
  return error instanceof Error ? error.name : 'an unknown error';
}
