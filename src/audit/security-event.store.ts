import type { AuthEventName } from '../core/events.js';
import type { SecurityEvent } from './security-event.js';
import type { DayCount } from './security-report.js';
import type { TopEntry } from './top-counter.js';

/** Injection token of the {@link SecurityEventStore}. */
export const SECURITY_EVENT_STORE = Symbol('SECURITY_EVENT_STORE');

export interface SecurityEventFilter {
  readonly userId?: string | undefined;
  readonly type?: AuthEventName | undefined;
  /** Inclusive. */
  readonly from?: Date | undefined;
  /** Exclusive. */
  readonly to?: Date | undefined;
  /** Only events older than the one with this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Sources and targets of a day's failed logins, as counted by one process. */
export interface DayTops {
  readonly day: string;
  /** Id of the process. */
  readonly instance: string;
  /** IPv4 addresses and IPv6 networks. */
  readonly sources: readonly TopEntry[];
  /** User ids. */
  readonly targets: readonly TopEntry[];
}

/** Persistence of the audit log. */
export interface SecurityEventStore {
  /**
   * Writes rows. Rows that exist already stay as they are, so a write may be repeated.
   * @returns how many were refused permanently: a retry would not help
   */
  write(events: readonly SecurityEvent[], retentionMs: number): Promise<number>;
  /** The newest first. */
  find(filter: SecurityEventFilter): Promise<SecurityEvent[]>;
  /**
   * Adds to the counters of days.
   * @returns the increments that were refused; all others were added
   * @throws Error if it is unknown which were added
   */
  count(increments: readonly DayCount[], retentionMs: number): Promise<readonly DayCount[]>;
  /** Removes a user's data from the rows: ids, address, browser, device, evidence. Type and time of the events stay. */
  forget(userId: string): Promise<void>;
  /** Stores the lists of one process and day, replacing the earlier ones. */
  keepTops(tops: DayTops, retentionMs: number): Promise<void>;
  /**
   * Reads a range of days, both ends included. Counters are returned together. Lists are passed one by one, because every
   * process that ever ran has its own.
   */
  days(from: string, to: string, take: (lists: DayTops) => void): Promise<readonly DayCount[]>;
}

/** Counters and lists of some days. */
export interface DayRecords {
  readonly counts: readonly DayCount[];
  readonly tops: readonly DayTops[];
}
