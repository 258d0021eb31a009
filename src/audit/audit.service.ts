import { randomBytes } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { EventIds, parseCursor, toCursor } from '../core/event-id.js';
import { AuthError } from '../core/errors.js';
import type { AuthEventName, AuthEvents } from '../core/events.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { Clock } from '../core/ports.js';
import { isRoutine, type SecurityEvent, securityEvent } from '../core/security-event.js';
import type { DayCount } from '../core/security-report.js';
import { type TopEntry, TopMerger } from '../core/top-counter.js';
import { atMost } from '../database/at-most.js';
import { CLOCK } from '../database/database.module.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { BackgroundWrite } from './background-write.js';
import { DayCounter, dayOf } from './day-counter.js';
import { EventQueue } from './event-queue.js';
import {
  type DayTops,
  SECURITY_EVENT_STORE,
  type SecurityEventFilter,
  type SecurityEventStore,
} from './security-event.store.js';

/** Rows of one write; so many make it due. */
const BATCH = 1000;
/** Rows that wait at most, about ten megabytes. */
const CAPACITY = 20_000;
const ROUTINE_DELAY_MS = 1000;
/** A process that stops waits so long for the audit log: the database may be away. */
const LAST_WRITES_MS = 1000;
/** And so often again, as long as it takes rows. */
const LAST_ROUNDS = 3;
const TOP_LIMIT = 10;
/** A summary waits no longer for what this process has not written yet: it is added from memory then. */
const WRITES_BEFORE_SUMMARY_MS = 1000;

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
  /** Of one day and type there may be two, to be added: what is written, and what still waits. */
  readonly counts: readonly DayCount[];
  /** Where failed logins came from: addresses, and networks of IPv6. */
  readonly topSources: readonly TopEntry[];
  /** Users whom failed logins were for, by id. */
  readonly topTargets: readonly TopEntry[];
}

/** How the audit log does, of this process since its start. */
export interface AuditStats {
  /** Rows that wait to be written. */
  readonly waiting: number;
  readonly written: number;
  /** Rows for which there was no room while the database was away. */
  readonly dropped: number;
  /** Rows that the database would not take. */
  readonly refused: number;
  /** Attempts at a write that failed, and each ten seconds for which one had no answer; what they held is kept. */
  readonly failures: number;
}

/**
 * The audit log: every event of `AuthEventBus` once, written in batches off the path of requests, security events at once.
 * Where its collections are out of reach rows wait in bounded memory; no request fails by it.
 */
@Injectable()
export class AuditService implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger('AuditService');
  private readonly ids = new EventIds((bytes) => randomBytes(bytes));
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
    if (this.isOn) this.bus.onEvery((type, payload) => this.record(type, payload));
  }

  /**
   * A page of events, the newest first. Paging goes back in time: what is added meanwhile is newer than the first page, so no
   * row comes twice and none is left out.
   * @throws AuthError `VALIDATION_FAILED` for a cursor of another make
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
   * Counters of the days from one moment to another, both days included (UTC); it reads days, not events. What this process
   * has counted is written before, or added where it cannot be.
   */
  async summary(from: Date, to: Date): Promise<SecuritySummary> {
    await atMost(WRITES_BEFORE_SUMMARY_MS, this.flush());
    const days = [dayOf(from), dayOf(to)] as const;
    const [topSources, topTargets] = [new TopMerger(), new TopMerger()];
    const merge = ({ sources, targets }: DayTops) => {
      topSources.add(sources);
      topTargets.add(targets);
    };
    // What this process has written may be replaced by what it has counted since.
    const own: DayTops[] = [];
    const written = await this.store.days(...days, (lists) =>
      lists.instance === this.counter.instance ? void own.push(lists) : merge(lists),
    );
    const { counts, tops } = this.counter.complete({ counts: written, tops: own }, ...days);
    for (const lists of tops) merge(lists);
    return { counts, topSources: topSources.top(TOP_LIMIT), topTargets: topTargets.top(TOP_LIMIT) };
  }

  get stats(): AuditStats {
    const { waiting, written, refused } = this;
    const failures = this.rows.failures + this.counts.failures;
    return { waiting, written, dropped: this.queue.dropped, refused, failures };
  }

  /** Writes what waits; resolves when it is written, or has failed and waits again. */
  async flush(): Promise<void> {
    await Promise.all([this.rows.flush(), this.counts.flush()]);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.finish();
  }

  /** What requests that were still under way have caused. */
  async onApplicationShutdown(): Promise<void> {
    for (let round = 0; round < LAST_ROUNDS; round += 1) await this.finish();
    if (!this.isGivenUp && !this.isEmpty) this.giveUp();
    this.rows.stop();
    this.counts.stop();
  }

  private record<Name extends AuthEventName>(type: Name, payload: AuthEvents[Name]): void {
    const nowMs = this.clock.now();
    const event = securityEvent(this.ids.next(nowMs), new Date(nowMs), type, payload);
    this.counter.add(event);
    this.counts.due(ROUTINE_DELAY_MS);
    if (type === 'refresh_token.rotated' && !this.options.audit?.rotations) return;
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
   * Writes what waits, for a while. What comes meanwhile is for the next call: that it waits then does not mean that the
   * database is away, and neither does a round that ends before all is written, if something was. Nor do counters that it
   * refuses: rows have nothing to do with them.
   */
  private async finish(): Promise<void> {
    if (this.isGivenUp || this.isEmpty) return;
    const { written } = this;
    let isInTime = false;
    await atMost(
      LAST_WRITES_MS,
      this.flush().then(() => (isInTime = true)),
    );
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
