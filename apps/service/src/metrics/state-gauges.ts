import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import mongoose, { type Connection } from 'mongoose';
import {
  AuditService,
  NotificationService,
  QueuedPasswordHasher,
  RevocationService,
} from 'nestjs-silent-auth';
import { Counter, Gauge, Registry } from 'prom-client';

type Read = () => number;

/**
 * The state of the service's parts. All values are in memory and read during a scrape: no timers, and no query to
 * the database, which may be the part that is down.
 */
@Injectable()
export class StateGauges implements OnModuleInit {
  constructor(
    private readonly registry: Registry,
    private readonly revocations: RevocationService,
    private readonly hasher: QueuedPasswordHasher,
    private readonly audit: AuditService,
    private readonly notifications: NotificationService,
    @InjectConnection() private readonly database: Connection,
  ) {}

  onModuleInit(): void {
    this.gauge(
      'database_connected',
      'Whether the driver considers its connection to MongoDB healthy (1) or not (0).',
      () => Number(this.database.readyState === mongoose.ConnectionStates.connected),
    );
    if (this.revocations.isOn) this.watchRevocations();
    this.watchHashing();
    if (this.audit.isOn) this.watchAudit();
    if (this.notifications.isOn) this.watchMail();
  }

  private watchRevocations(): void {
    const { revocations } = this;
    this.gauge(
      'revocation_feed_staleness_seconds',
      'Time since the last successful read of revocations began.',
      () => revocations.stalenessMs / 1000,
    );
    this.gauge(
      'revocation_feed_in_touch',
      'Whether the list of revocations is fresh enough (1). At 0, guarded routes answer 503; in mode strict they ask the store.',
      () => Number(revocations.isInTouch),
    );
    this.gauge(
      'revocation_list_entries',
      'Revocations in memory: those of all instances within the lifetime of an access token.',
      () => revocations.stats.held,
    );
    this.gauge(
      'revocation_outbox_entries',
      'Revocations of this instance that the store has not accepted yet.',
      () => revocations.stats.waiting,
    );
  }

  private watchHashing(): void {
    const { hasher } = this;
    this.gauge('password_hashes_running', 'Passwords that are being hashed.', () => hasher.stats.running);
    this.gauge(
      'password_hashes_running_limit',
      'Maximum number of passwords that are hashed at once.',
      () => hasher.stats.concurrency,
    );
    this.gauge('password_hashes_waiting', 'Passwords that wait to be hashed.', () => hasher.stats.waiting);
    this.gauge(
      'password_hashes_waiting_limit',
      'Maximum number of passwords that may wait; further logins get 503.',
      () => hasher.stats.queueLimit,
    );
    this.total(
      'password_hashes_refused_total',
      'Passwords that were refused because the hashing queue was full.',
      () => hasher.stats.refused,
    );
  }

  private watchAudit(): void {
    const { audit } = this;
    this.gauge(
      'audit_rows_waiting',
      'Rows of the audit log that wait to be written.',
      () => audit.stats.waiting,
    );
    this.total(
      'audit_rows_written_total',
      'Rows of the audit log that were written.',
      () => audit.stats.written,
    );
    this.total(
      'audit_rows_dropped_total',
      'Rows of the audit log that were lost because the buffer was full while the database was unreachable.',
      () => audit.stats.dropped,
    );
    this.total(
      'audit_rows_refused_total',
      'Rows of the audit log that the database rejected.',
      () => audit.stats.refused,
    );
    this.total(
      'audit_write_failures_total',
      'Failed writes of the audit log, plus one for every ten seconds without a response; no rows are lost.',
      () => audit.stats.failures,
    );
  }

  private watchMail(): void {
    const { notifications } = this;
    this.gauge(
      'mail_messages_waiting',
      'Messages to users that are being sent or wait for another attempt.',
      () => notifications.stats.waiting,
    );
    this.total(
      'mail_messages_sent_total',
      'Messages that the mail server accepted.',
      () => notifications.stats.sent,
    );
    this.total(
      'mail_messages_retried_total',
      'Failed attempts to send a message that are made again.',
      () => notifications.stats.retried,
    );
    this.total(
      'mail_messages_failed_total',
      'Messages that will not be tried again: refused permanently, or tried too often.',
      () => notifications.stats.failed,
    );
    this.total(
      'mail_messages_dropped_total',
      'Messages that were dropped because the queue was full; a registration or a forgotten password then gets 503.',
      () => notifications.stats.dropped,
    );
    this.total(
      'mail_messages_limited_total',
      'Messages that were not sent because the user recently got the same message.',
      () => notifications.stats.limited,
    );
  }

  private gauge(name: string, help: string, read: Read): void {
    new Gauge({
      name: `silent_auth_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** A counter whose value is counted elsewhere. */
  private total(name: string, help: string, read: Read): void {
    new Counter({
      name: `silent_auth_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
}
