import type { AuthEventName } from '../core/events.js';
import type { IndexState } from '../database/index-state.js';
import type { TopEntry } from './top-counter.js';

/** What happened in an installation over some days, for people who must recognise an attack. Made from daily counters. */
export interface SecurityReport {
  readonly generatedAt: Date;
  /** The first and the last day, both included: `YYYY-MM-DD`, UTC. */
  readonly from: string;
  readonly to: string;
  /** Every type of event, the most frequent first; 0 for types that did not occur. */
  readonly totals: readonly EventTotal[];
  /** Every day of the period, the oldest first. Types that did not occur on a day are absent. */
  readonly days: readonly ReportDay[];
  /** How often each reason occurred, for types of events that have one; the most frequent first. */
  readonly reasons: readonly ReasonTotal[];
  readonly topSources: readonly TopEntry[];
  readonly topTargets: readonly TopTarget[];
  /** Refresh tokens that were used twice, each with its classification; the newest first, at most 50. */
  readonly reuseCases: readonly ReuseCase[];
  /**
   * Earlier refresh tokens that were answered. Sessions in which a theft or a second holder was found are left out. A thief who
   * has not shown yet may be among them.
   */
  readonly falseAlarmsAvoided: {
    /** Races between tabs and retries: `refresh_token.replayed`. */
    readonly replays: number;
    /** Lost responses that were recovered: `refresh_token.recovered`. */
    readonly recoveries: number;
    /** Clients whose stored token had fallen back: `refresh_token.healed`. */
    readonly healed: number;
    /** Whether there may be fewer: not every session of a second holder could be looked at. */
    readonly isAtMost: boolean;
  };
  /** The current state, whatever the period. */
  readonly sessions: {
    readonly active: number;
    /** True if there may be more: counting stops at a limit, so that the report stays cheap in a large installation. */
    readonly isAtLeast: boolean;
  };
  /** The current state of the collections' indexes. */
  readonly indexes: readonly IndexState[];
}

/** How often an event occurred on a day. */
export interface DayCount {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  readonly type: AuthEventName;
  readonly count: number;
  /** The count by reason, if the type has reasons. Absent on days that an earlier version counted. */
  readonly reasons?: Readonly<Record<string, number>>;
}

export interface EventTotal {
  readonly type: AuthEventName;
  readonly count: number;
}

export interface ReportDay {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  readonly counts: Readonly<Partial<Record<AuthEventName, number>>>;
}

export interface ReasonTotal {
  readonly type: AuthEventName;
  /** As the event gives it: `wrong_password`, the name of an anomaly rule, … */
  readonly reason: string;
  readonly count: number;
}

/** A user with failed logins; `key` is the id of the user. */
export interface TopTarget extends TopEntry {
  /** Null if the user no longer exists. */
  readonly email: string | null;
}

/** One `refresh_token.reuse_detected`. */
export interface ReuseCase {
  readonly at: Date;
  readonly userId: string;
  readonly sessionId: string;
  /** Why it was neither a race nor a lost response. */
  readonly classification: string;
  /** Generation of the presented token, and of the session at that time. */
  readonly presentedGeneration: number;
  readonly generation: number;
  /** False in shadow mode: no session was ended. */
  readonly revoked: boolean;
  /** Who presented it. */
  readonly source: { readonly ip: string | null; readonly userAgent: string | null };
  /** The last accepted use: the other party. */
  readonly lastUse: { readonly ip: string; readonly userAgent: string | null; readonly at: Date } | null;
}
