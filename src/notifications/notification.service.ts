import { randomUUID } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnModuleInit,
} from '@nestjs/common';
import type { Notice } from '../core/mail.js';
import { NOTICES, type NotifiedEvent } from '../core/notices.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { Clock, Mailer, UserRecord } from '../core/ports.js';
import { CLOCK } from '../database/database.module.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { UsersService } from '../users/users.service.js';
import { MailQueue, type MailStats } from './mail-queue.js';
import { NoticeLimit } from './notice-limit.js';

/** A process that stops waits so long for mail: a server that hangs must not keep it. */
const LAST_MAIL_MS = 1500;

/** How the mail to users does, of this process since its start. */
export interface NotificationStats extends MailStats {
  /** Messages that were not sent because the user was told the like of it a while ago. */
  readonly limited: number;
}

/**
 * Tells users by mail of what happened to their accounts, as events tell it: through the host's `Mailer`, off the path of
 * requests, none of which fails or waits by it. Without a mailer it does nothing.
 */
@Injectable()
export class NotificationService implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('NotificationService');
  private readonly queue = new MailQueue(this.logger);
  private readonly limit = new NoticeLimit();
  private limited = 0;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly users: UsersService,
    private readonly events: AuthEventBus,
  ) {}

  /** Whether there is a mailer. */
  get isOn(): boolean {
    return this.options.mailer !== null;
  }

  get stats(): NotificationStats {
    return { ...this.queue.stats, limited: this.limited };
  }

  onModuleInit(): void {
    if (this.isOn) for (const name of Object.keys(NOTICES) as NotifiedEvent[]) this.subscribe(name);
  }

  /** Resolves when everything is sent that was to be sent, or given up. */
  async idle(): Promise<void> {
    await this.queue.idle();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.queue.drain(LAST_MAIL_MS);
  }

  private subscribe<Name extends NotifiedEvent>(name: Name): void {
    this.events.on(name, (payload) => {
      const notice = NOTICES[name](payload);
      if (notice) this.tell(notice);
    });
  }

  private tell(notice: Notice): void {
    const { mailer } = this.options;
    if (!mailer) return;
    if (!this.limit.admit(notice)) {
      this.limited += 1;
      return;
    }
    const id = randomUUID();
    const at = new Date(this.clock.now());
    const isTaken = this.queue.push({
      label: notice.happening.kind,
      attempt: (signal) => this.send(mailer, notice, { id, at }, signal),
      givenUp: () => this.limit.forget(notice),
    });
    if (!isTaken) this.limit.forget(notice);
  }

  private async send(
    mailer: Mailer,
    { recipient, happening }: Notice,
    message: { readonly id: string; readonly at: Date },
    signal: AbortSignal,
  ): Promise<boolean> {
    const user = await this.find(recipient);
    // Who is disabled can do nothing about it, and has nothing left that could be taken.
    if (!user || user.disabledAt) return false;
    await mailer.send(
      { ...message, to: user.email, name: user.name ?? null, userId: user.id, ...happening },
      signal,
    );
    return true;
  }

  private find(recipient: Notice['recipient']): Promise<UserRecord | null> {
    return 'userId' in recipient
      ? this.users.findById(recipient.userId)
      : this.users.findByEmail(recipient.email);
  }
}
