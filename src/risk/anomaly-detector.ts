import { Inject, Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Activity, AnomalyRule } from '../core/anomaly.js';
import type { AuthEvents, EventSource } from '../core/events.js';
import { AuthEventBus } from '../events/auth-event-bus.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { readSuspicion } from './suspicion.js';

/** What to end by the policy; null if the request is answered. */
export type Verdict = 'revoke-session' | 'revoke-user' | null;

const WINDOW_MS = 10 * 60_000;
const REMEMBERED_SESSIONS = 10_000;

/** What a rule found, and what happens because of it. */
type Finding = Pick<AuthEvents['activity.suspected'], 'rule' | 'evidence' | 'action'>;

interface Metered {
  readonly sinceMs: number;
  readonly generation: number;
}

/** Runs the rules, reports suspicious activity, and returns what to end. Without I/O, because every refresh waits for it. */
@Injectable()
export class AnomalyDetector {
  private readonly logger = new Logger('AnomalyDetector');
  private readonly metered = new LRUCache<string, Metered>({ max: REMEMBERED_SESSIONS });
  /** When each suspicion was last reported. */
  private readonly reported = new LRUCache<string, number>({ max: REMEMBERED_SESSIONS });

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * How many times a session was rotated within the window. Computed from generations, which also count rotations in other
   * processes: this process needs to see only the first and the last one.
   */
  rotations(sessionId: string, generation: number, nowMs: number): { rotations: number; windowMs: number } {
    const known = this.metered.get(sessionId);
    const isRecent = known !== undefined && nowMs - known.sinceMs <= WINDOW_MS;
    if (!isRecent) this.metered.set(sessionId, { sinceMs: nowMs, generation });
    return { rotations: isRecent ? generation - known.generation : 0, windowMs: WINDOW_MS };
  }

  /** Applies every rule. Each process reports a continuing suspicion only once in ten minutes. */
  judge(activity: Activity, source: EventSource): Verdict {
    let verdict: Verdict = null;
    for (const finding of this.findings(activity)) {
      this.report(activity, finding, source);
      if (finding.action !== 'report') verdict = finding.action;
    }
    return verdict;
  }

  /** Like {@link judge}, but only reports: there is nothing to end. */
  note(activity: Activity, source: EventSource): void {
    for (const finding of this.findings(activity))
      this.report(activity, { ...finding, action: 'report' }, source);
  }

  private findings(activity: Activity): Finding[] {
    return this.options.anomaly.rules.flatMap((rule) => this.ask(rule, activity) ?? []);
  }

  /** A rule that throws or returns an invalid answer is logged and has no effect on the request. */
  private ask(rule: AnomalyRule, activity: Activity): Finding | null {
    const { name } = rule;
    try {
      const evidence = readSuspicion(rule.examine(activity));
      if (!evidence) return null;
      const isActionable = rule.isActionable?.(evidence) ?? true;
      return { rule: name, evidence, action: isActionable ? this.options.anomaly.action : 'report' };
    } catch (error) {
      this.logger.error(`the anomaly rule ${name} failed: ${String(error)}`);
      return null;
    }
  }

  private report(activity: Activity, finding: Finding, source: EventSource): void {
    const { userId, sessionId, use } = activity;
    const key = `${sessionId} ${finding.rule}`;
    const nowMs = use.at.getTime();
    const before = this.reported.get(key);
    if (before !== undefined && nowMs - before < WINDOW_MS) return;
    this.reported.set(key, nowMs);
    void this.events.emit('activity.suspected', { userId, sessionId, ...finding, source });
  }
}
