import { randomBytes } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { dayOf } from '../core/day.js';
import { AuthError } from '../core/errors.js';
import type { AuthEventName, AuthEvents } from '../core/events.js';
import { CLOCK, type Clock } from '../core/ports.js';
import { withTimeout } from '../core/with-timeout.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { BackgroundWrite } from './background-write.js';
import { DayCounter } from './day-counter.js';
import { EventIds, parseCursor, toCursor } from './event-id.js';
import { EventQueue } from './event-queue.js';
import { isRoutine, type SecurityEvent, securityEvent } from './security-event.js';
import {
  type DayTops,
  SECURITY_EVENT_STORE,
  type SecurityEventFilter,
  type SecurityEventStore,
} from './security-event.store.js';
import type { DayCount } from './security-report.js';
import { TopCounter, type TopEntry } from './top-counter.js';

/** Rows of one write. As many waiting rows make a write due at once. */
const BATCH = 1000;
/** Maximum of waiting rows, about ten megabytes. */
const CAPACITY = 20_000;
const ROUTINE_DELAY_MS = 1000;
/** How long a stopping process waits for the audit log: the database may be away. */
const LAST_WRITES_MS = 1000;
/** Repetitions of that, while the database takes rows. */
const LAST_ROUNDS = 3;
const TOP_LIMIT = 10;
/** Keys that a summary of many days and processes tells apart. */
const SUMMARY_CAPACITY = 1000;
/** A summary waits no longer for the rows and counters of this process; the counters are then added from memory. */
const WRITES_BEFORE_SUMMARY_MS = 1000;

/** Rows of other processes are written within about a second. */
const LATE_ROWS_MS = 5000;

/** Which events to read, the newest first. */
export interface SecurityEventQuery extends Omit<SecurityEventFilter, 'before'> {
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface SecurityEventPage {
  readonly items: readonly SecurityEvent[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** What a report of some days begins with. */
export interface SecuritySummary {
  /** One day and type may have two entries, to be added: what is written, and what is not written yet. */
  readonly counts: readonly DayCount[];
  /** Where failed logins came from: addresses, and networks of IPv6. */
  readonly topSources: readonly TopEntry[];
  /** Ids of the users whose logins failed. */
  readonly topTargets: readonly TopEntry[];
}

/** Figures of the audit log of this process since its start. */
export interface AuditStats {
  /** Rows that wait to be written. */
  readonly waiting: number;
  readonly written: number;
  /** Rows for which there was no room while the database was away. */
  readonly dropped: number;
  /** Rows that the database refused. */
  readonly refused: number;
  /** Failed writes, and each ten seconds without an answer. The rows are kept. */
  readonly failures: number;
}

/**
 * The audit log: the events of `AuthEventBus`, written in batches off the path of requests, security events at once. Every
 * event is counted; of those that strangers can cause without end only some have a row (`atMost` in `AUTH_EVENTS`).
 * When the database is out of reach, rows wait in bounded memory. No request fails because of it.
 */
@Injectable()
export class AuditService implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger('AuditService');
  private readonly ids = new EventIds();
  private readonly queue = new EventQueue(CAPACITY);
  private readonly counter: DayCounter;
  private readonly rows: BackgroundWrite;
  private readonly counts: BackgroundWrite;
  private readonly retentionMs: number;
  private written = 0;
  /** Rows under way to the database. */
  private writing = 0;
  private refused = 0;
  private isGivenUp = false;

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(SECURITY_EVENT_STORE) private readonly store: SecurityEventStore,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly bus: AuthEventBus,
  ) {
    this.retentionMs = options.audit?.retentionMs ?? 0;
    this.counter = new DayCounter(store, this.retentionMs, randomBytes(6).toString('hex'));
    const describe = () => `${this.waiting} rows wait, ${this.queue.dropped} were dropped`;
    this.rows = new BackgroundWrite(() => this.writeRows(), describe, this.logger);
    this.counts = new BackgroundWrite(
      () => this.counter.write(),
      () => 'counters wait',
      this.logger,
    );
  }

  /** Whether there is an audit log. */
  get isOn(): boolean {
    return this.options.audit !== null;
  }

  onModuleInit(): void {
    if (this.isOn) this.bus.onEvery((type, payload, isExcess) => this.record(type, payload, isExcess));
  }

  /**
   * A page of events, the newest first. Paging goes back in time: rows added meanwhile are newer than the first page, so no
   * row is repeated or left out.
   * @throws AuthError `VALIDATION_FAILED` for an invalid cursor
   */
  async events({ cursor, limit, ...filter }: SecurityEventQuery): Promise<SecurityEventPage> {
    const before = cursor === undefined ? undefined : parseCursor(cursor);
    if (before === null)
      throw new AuthError('VALIDATION_FAILED', {
        fields: [{ field: 'cursor', message: 'cursor must be the nextCursor of another page' }],
      });
    const found = await this.store.find({ ...filter, before, limit: limit + 1 });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return found.length > limit && last ? { items, nextCursor: toCursor(last.id) } : { items };
  }

  /**
   * Counters of the days from one moment to another, both days included (UTC). It reads days, not events. What this process
   * has counted is written first, or added from memory if the write takes too long.
   */
  async summary(from: Date, to: Date): Promise<SecuritySummary> {
    await this.flushWithin(WRITES_BEFORE_SUMMARY_MS);
    const days = [dayOf(from), dayOf(to)] as const;
    const topSources = new TopCounter(SUMMARY_CAPACITY);
    const topTargets = new TopCounter(SUMMARY_CAPACITY);
    const merge = ({ sources, targets }: DayTops) => {
      topSources.addList(sources);
      topTargets.addList(targets);
    };
    // What this process has written may be replaced by what it has counted since.
    const own: DayTops[] = [];
    const written = await this.store.days(...days, (lists) => {
      if (lists.instance === this.counter.instance) own.push(lists);
      else merge(lists);
    });
    const { counts, tops } = this.counter.complete({ counts: written, tops: own }, ...days);
    for (const lists of tops) merge(lists);
    return { counts, topSources: topSources.top(TOP_LIMIT), topTargets: topTargets.top(TOP_LIMIT) };
  }

  /**
   * Removes what the log says of a user; the counters of days stay. Rows that another process has not written yet follow a
   * moment later, and are removed as well.
   */
  async forget(userId: string): Promise<void> {
    if (!this.isOn) return;
    await this.flush();
    await this.store.forget(userId);
    setTimeout(() => {
      this.store.forget(userId).catch((error: unknown) => {
        this.logger.warn(`late rows of a deleted user may remain: ${String(error)}`);
      });
    }, LATE_ROWS_MS).unref();
  }

  get stats(): AuditStats {
    const { waiting, written, refused } = this;
    const failures = this.rows.failures + this.counts.failures;
    return { waiting, written, dropped: this.queue.dropped, refused, failures };
  }

  /** Writes what waits. Resolves when it is written, or the write has failed and the rows wait again. */
  async flush(): Promise<void> {
    await Promise.all([this.rows.flush(), this.counts.flush()]);
  }

  private async flushWithin(ms: number): Promise<boolean> {
    return withTimeout(() => this.flush(), ms).then(
      () => true,
      () => false,
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.finish();
  }

  /** Writes what the last requests have caused. */
  async onApplicationShutdown(): Promise<void> {
    for (let round = 0; round < LAST_ROUNDS; round += 1) await this.finish();
    if (!this.isGivenUp && !this.isEmpty) this.giveUp();
    this.rows.stop();
    this.counts.stop();
  }

  private record<Name extends AuthEventName>(type: Name, payload: AuthEvents[Name], isExcess: boolean): void {
    const nowMs = this.clock.now();
    const event = securityEvent(this.ids.next(nowMs), new Date(nowMs), type, payload);
    this.counter.add(event);
    this.counts.due(ROUTINE_DELAY_MS);
    if (isExcess || (type === 'refresh_token.rotated' && !this.options.audit?.rotations)) return;
    this.queue.push(event);
    this.rows.due(!isRoutine(event) || this.queue.size >= BATCH ? 0 : ROUTINE_DELAY_MS);
  }

  private async writeRows(): Promise<void> {
    while (this.queue.size > 0) {
      const batch = this.queue.take(BATCH);
      this.writing = batch.length;
      try {
        const refused = await this.store.write(batch, this.retentionMs);
        this.refused += refused;
        this.written += batch.length - refused;
      } catch (error) {
        this.queue.putBack(batch);
        throw error;
      } finally {
        this.writing = 0;
      }
    }
  }

  /** Not written yet. */
  private get waiting(): number {
    return this.queue.size + this.writing;
  }

  /**
   * Writes what waits, in bounded time. Gives up if the database takes no rows: a round that wrote some rows, or rows that
   * came in the meantime, do not mean that it is away. Counters that it refuses do not count either.
   */
  private async finish(): Promise<void> {
    if (this.isGivenUp || this.isEmpty) return;
    const { written } = this;
    const isInTime = await this.flushWithin(LAST_WRITES_MS);
    if (this.rows.isFailing || (!isInTime && this.written === written)) this.giveUp();
  }

  private get isEmpty(): boolean {
    return this.waiting === 0 && !this.counts.isRunning && this.counter.isEmpty;
  }

  private giveUp(): void {
    this.isGivenUp = true;
    const { waiting } = this;
    const rows = waiting === 1 ? 'row of the audit log was' : 'rows of the audit log were';
    if (waiting > 0) this.logger.error(`${waiting} ${rows} lost: the database does not take them`);
    else this.logger.error('counters of the audit log were lost: the database does not take them');
  }
}
