import { randomUUID } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnModuleInit,
} from '@nestjs/common';
import { AuthError } from '../core/errors.js';
import { MailRefusedError, type Notice, type NotificationEvent } from '../core/mail.js';
import { CLOCK, type Clock, type UserRecord } from '../core/ports.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { UsersService } from '../users/users.service.js';
import { MailQueue, type MailStats } from './mail-queue.js';
import { NoticeLimit } from './notice-limit.js';
import { NOTICES, type NotifiedEvent } from './notices.js';

/** How long a stopping process waits for mail, so that a hanging mail server does not block it. */
const LAST_MAIL_MS = 1500;
/** Rough number of seconds until a full queue has room again. */
const FULL_QUEUE_RETRY_S = 30;

/** Figures of the mail to users of this process since its start. */
export interface NotificationStats extends MailStats {
  /** Messages that were not sent because the user got a similar one recently. */
  readonly limited: number;
}

/** The content and the recipient of a message. */
export interface Composed {
  readonly user: UserRecord;
  readonly event: NotificationEvent;
}

/**
 * Notifies users by mail of events on their accounts, through the host's `Mailer`. It works off the path of requests, so no
 * request fails or waits because of it. Without a mailer it does nothing.
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

  /** Resolves when every message is sent or given up. */
  async idle(): Promise<void> {
    await this.queue.idle();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.queue.drain(LAST_MAIL_MS);
  }

  /**
   * Composes and sends a message off the path of the request, so that the response time reveals nothing. Composing does not
   * wait for a mail server.
   * @param label for the log; contains no personal data
   * @param compose returns null if there is no recipient. It is retried when it throws, and not called again once it has
   * returned a message.
   * @returns false if the queue is full, or there is no mailer
   */
  post(label: string, compose: () => Promise<Composed | null>, givenUp: () => void = () => {}): boolean {
    const { mailer } = this.options;
    if (!mailer) return false;
    const message = { id: randomUUID(), at: new Date(this.clock.now()) };
    let composed: Composed | null | undefined;
    const prepare = async (): Promise<boolean> => {
      composed ??= await compose();
      return composed !== null;
    };
    const send = async (signal: AbortSignal): Promise<void> => {
      if (!composed) throw new Error('a message is sent after it was made');
      const { user, event } = composed;
      if ('expiresAt' in event && event.expiresAt.getTime() <= this.clock.now())
        throw new MailRefusedError('the link has expired');
      const { id: userId, email: to, name = null } = user;
      await mailer.send({ ...message, to, name, userId, ...event }, signal);
    };
    return this.queue.push({ label, prepare, send, givenUp });
  }

  /**
   * Like {@link post}, for a message that the response promises.
   * @throws AuthError `TEMPORARILY_UNAVAILABLE` if it returns false
   */
  mustPost(label: string, compose: () => Promise<Composed | null>): void {
    if (this.post(label, compose)) return;
    throw new AuthError('TEMPORARILY_UNAVAILABLE', {
      detail: 'too much mail waits',
      retryAfter: FULL_QUEUE_RETRY_S,
    });
  }

  private subscribe<Name extends NotifiedEvent>(name: Name): void {
    this.events.on(name, (payload) => {
      const notice = NOTICES[name](payload);
      if (notice) this.notify(notice);
    });
  }

  private notify(notice: Notice): void {
    if (!this.limit.admit(notice)) {
      this.limited += 1;
      return;
    }
    const { recipient, event } = notice;
    const forget = () => this.limit.forget(notice);
    const compose = async () => {
      const user = await this.find(recipient);
      // A disabled user cannot act on the message and has no sessions to lose.
      return user && !user.disabledAt ? { user, event } : null;
    };
    if (!this.post(event.kind, compose, forget)) forget();
  }

  private find(recipient: Notice['recipient']): Promise<UserRecord | null> {
    return 'userId' in recipient
      ? this.users.findById(recipient.userId)
      : this.users.findByEmail(recipient.email);
  }
}
