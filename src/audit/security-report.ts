import type { AuthEventName } from '../core/events.js';
import type { IndexState } from '../database/index-state.js';
import type { TopEntry } from './top-counter.js';

/** What happened to an installation within some days, for those who must see an attack. Made of day counters, not of events. */
export interface SecurityReport {
  readonly generatedAt: Date;
  /** The first and the last day, both included: `YYYY-MM-DD`, UTC. */
  readonly from: string;
  readonly to: string;
  /** Every type of event, the most frequent first; what never came has 0. */
  readonly totals: readonly EventTotal[];
  /** Every day of the period, the oldest first; types that did not come on it are left out. */
  readonly days: readonly ReportDay[];
  /** Why: of the types of events that give a reason, how often each came; the most frequent first. */
  readonly reasons: readonly ReasonTotal[];
  readonly topSources: readonly TopEntry[];
  readonly topTargets: readonly TopTarget[];
  /** Refresh tokens that were used twice, each with what was made of it: the newest first, 50 at most. */
  readonly reuseCases: readonly ReuseCase[];
  /**
   * Earlier refresh tokens that were answered. Sessions in which a theft or a second holder was found are left out. A thief who
   * has not shown yet may be among them.
   */
  readonly falseAlarmsAvoided: {
    /** Races between tabs and retries: `refresh_token.replayed`. */
    readonly replays: number;
    /** Lost responses that were made good: `refresh_token.recovered`. */
    readonly recoveries: number;
    /** Clients whose stored token had fallen back: `refresh_token.healed`. */
    readonly healed: number;
    /** Whether there may be fewer: not every session of a second holder could be looked at. */
    readonly isAtMost: boolean;
  };
  /** As it is now, whatever the period. */
  readonly sessions: {
    readonly active: number;
    /** Whether there are more: counting ends at a limit, so that a report of a large installation costs no more. */
    readonly isAtLeast: boolean;
  };
  /** Of the collections, as they are now. */
  readonly indexes: readonly IndexState[];
}

/** How often an event came on a day. */
export interface DayCount {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  readonly type: AuthEventName;
  readonly count: number;
  /** Of a type that gives reasons: how often each; days that were counted by an earlier version have none. */
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

/** A user for whom logins failed; `key` is the id of the user. */
export interface TopTarget extends TopEntry {
  /** Null where there is no such user any more. */
  readonly email: string | null;
}

/** One `refresh_token.reuse_detected`. */
export interface ReuseCase {
  readonly at: Date;
  readonly userId: string;
  readonly sessionId: string;
  /** Why it was no race and no lost response. */
  readonly classification: string;
  /** Generation of the token that came, and of the session when it came. */
  readonly presentedGeneration: number;
  readonly generation: number;
  /** False in shadow mode: nothing was ended. */
  readonly revoked: boolean;
  /** Who presented it. */
  readonly source: { readonly ip: string | null; readonly userAgent: string | null };
  /** The last use that was accepted: the other side. */
  readonly lastUse: { readonly ip: string; readonly userAgent: string | null; readonly at: Date } | null;
}
