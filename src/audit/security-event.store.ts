import type { AuthEventName } from '../core/events.js';
import type { SecurityEvent } from '../core/security-event.js';
import type { DayCount } from '../core/security-report.js';
import type { TopEntry } from '../core/top-counter.js';

/** Injection token of the {@link SecurityEventStore}. */
export const SECURITY_EVENT_STORE = Symbol('SECURITY_EVENT_STORE');

export interface SecurityEventFilter {
  readonly userId?: string | undefined;
  readonly type?: AuthEventName | undefined;
  /** Inclusive. */
  readonly from?: Date | undefined;
  /** Exclusive. */
  readonly to?: Date | undefined;
  /** Only what comes before this id: older. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Where a day's failed logins came from and whom they were for, as one process saw it. */
export interface DayTops {
  readonly day: string;
  /** Names the process. */
  readonly instance: string;
  /** Networks. */
  readonly sources: readonly TopEntry[];
  /** User ids. */
  readonly targets: readonly TopEntry[];
}

/** Persistence of the audit log. */
export interface SecurityEventStore {
  /**
   * Writes rows; those that are there already are left alone, so a write may be repeated.
   * @returns how many were refused for good: repeating would not help
   */
  write(events: readonly SecurityEvent[], retentionMs: number): Promise<number>;
  /** The newest first. */
  find(filter: SecurityEventFilter): Promise<SecurityEvent[]>;
  /**
   * Adds to the counters of days.
   * @returns those that could not be added to, where the others were
   * @throws Error where that is not known
   */
  count(increments: readonly DayCount[], retentionMs: number): Promise<readonly DayCount[]>;
  /** Keeps the lists of one process and day, in place of those kept before. */
  keepTops(tops: DayTops, retentionMs: number): Promise<void>;
  /**
   * What is kept of the days, both included: the counters at once, and the lists one by one, since processes, and with them
   * lists, come and go without end.
   */
  days(from: string, to: string, take: (lists: DayTops) => void): Promise<readonly DayCount[]>;
}

/** What there is of some days. */
export interface DayRecords {
  readonly counts: readonly DayCount[];
  readonly tops: readonly DayTops[];
}
