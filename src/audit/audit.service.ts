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

/** Maximum rows per write. When this many rows wait, they are written at once. */
const BATCH = 1000;
/** Maximum of waiting rows, about ten megabytes. */
const CAPACITY = 20_000;
const ROUTINE_DELAY_MS = 1000;
/** How long a stopping process waits for the audit log, in case the database is unreachable. */
const LAST_WRITES_MS = 1000;
/** How often it waits that long, as long as the database accepts rows. */
const LAST_ROUNDS = 3;
const TOP_LIMIT = 10;
/** Maximum different keys in a summary of many days and processes. */
const SUMMARY_CAPACITY = 1000;
/** How long a summary waits for the writes of this process; after that, counters are added from memory. */
const WRITES_BEFORE_SUMMARY_MS = 1000;

/** How long the second pass of `forget` may take, so that a stopping process does not wait for it. */
const FORGET_MS = 1000;
/** Rows of other processes are written within about a second. */
const LATE_ROWS_MS = 5000;

/** Which events to read. The newest come first. */
export interface SecurityEventQuery extends Omit<SecurityEventFilter, 'before'> {
  /** `nextCursor` of the previous page. */
  readonly cursor?: string | undefined;
}

export interface SecurityEventPage {
  readonly items: readonly SecurityEvent[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** The counters for a report over some days. */
export interface SecuritySummary {
  /** A day and type may have two entries to be added: one that is written, and one that is not written yet. */
  readonly counts: readonly DayCount[];
  /** Where failed logins came from: IPv4 addresses and IPv6 networks. */
  readonly topSources: readonly TopEntry[];
  /** Ids of the users whose logins failed. */
  readonly topTargets: readonly TopEntry[];
}

/** Figures of the audit log of this process since its start. */
export interface AuditStats {
  /** Rows that wait to be written. */
  readonly waiting: number;
  readonly written: number;
  /** Rows that were discarded because the memory was full while the database was unreachable. */
  readonly dropped: number;
  /** Rows that the database refused. */
  readonly refused: number;
  /** Failed writes, plus one for each ten seconds without an answer. Their rows are kept. */
  readonly failures: number;
}

/**
 * The audit log: the events of `AuthEventBus`, written in batches off the path of requests, security events at once. Every
 * event is counted. Events that anybody can cause without limit get a row only up to a maximum (`atMost` in `AUTH_EVENTS`).
 * If the database is unreachable, rows wait in bounded memory. No request fails because of the audit log.
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
  /** Rows that are being written. */
  private writing = 0;
  private refused = 0;
  private isGivenUp = false;
  /** Deleted users whose second pass is due, and its timer. */
  private readonly forgotten = new Map<string, NodeJS.Timeout>();

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
   * A page of events, the newest first. Paging goes back in time: rows added in the meantime are newer than the first page,
   * so no row is repeated or skipped.
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
   * Counters of the days between two moments, both days included (UTC). It reads daily counters, not events. The counters of
   * this process are written first, or added from memory if the write takes too long.
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
    // Lists that this process wrote may be replaced by its newer ones in memory.
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
   * Removes the data of a user from the log; daily counters stay. A second pass a few seconds later also removes rows that
   * other processes had not written yet. If this process stops earlier, the pass runs then.
   */
  async forget(userId: string): Promise<void> {
    if (!this.isOn) return;
    await this.flush();
    await this.store.forget(userId);
    clearTimeout(this.forgotten.get(userId));
    this.forgotten.set(userId, setTimeout(() => void this.forgetLate(userId), LATE_ROWS_MS).unref());
  }

  private async forgetLate(userId: string): Promise<void> {
    clearTimeout(this.forgotten.get(userId));
    this.forgotten.delete(userId);
    try {
      await withTimeout(() => this.store.forget(userId), FORGET_MS);
    } catch (error) {
      this.logger.warn(`late rows of a deleted user may remain: ${String(error)}`);
    }
  }

  get stats(): AuditStats {
    const { waiting, written, refused } = this;
    const failures = this.rows.failures + this.counts.failures;
    return { waiting, written, dropped: this.queue.dropped, refused, failures };
  }

  /** Writes the waiting rows and counters. Resolves after the write has succeeded, or failed and the rows wait again. */
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

  /** Writes the events of the last requests, and removes the late rows of users who were just deleted. */
  async onApplicationShutdown(): Promise<void> {
    for (let round = 0; round < LAST_ROUNDS; round += 1) await this.finish();
    if (!this.isGivenUp && !this.isEmpty) this.giveUp();
    this.rows.stop();
    this.counts.stop();
    await Promise.all([...this.forgotten.keys()].map((userId) => this.forgetLate(userId)));
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

  /** Number of rows that are not written yet. */
  private get waiting(): number {
    return this.queue.size + this.writing;
  }

  /**
   * Writes the waiting rows, in bounded time. Gives up only if the database accepts no rows at all: it goes on if a round
   * wrote some rows. Refused counters are not a reason to give up.
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
