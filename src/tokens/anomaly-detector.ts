import { Inject, Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Activity, AnomalyRule, Suspicion } from '../core/anomaly.js';
import type { EventSource } from '../core/events.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import { readSuspicion } from '../core/suspicion.js';
import { AuthEventBus } from '../events/auth-event-bus.js';

/** What the policy ends; null where the request is answered. */
export type Verdict = 'revoke-session' | 'revoke-user' | null;

const WINDOW_MS = 10 * 60_000;
const REMEMBERED_SESSIONS = 10_000;

interface Metered {
  readonly sinceMs: number;
  readonly generation: number;
}

/** Asks the rules, tells of what they suspect, and says what follows from it. Without I/O: it is on every refresh's path. */
@Injectable()
export class AnomalyDetector {
  private readonly logger = new Logger('AnomalyDetector');
  private readonly metered = new LRUCache<string, Metered>({ max: REMEMBERED_SESSIONS });
  /** When a suspicion was told of. */
  private readonly told = new LRUCache<string, number>({ max: REMEMBERED_SESSIONS });

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * How often a session was rotated within the window. By its generation, which counts rotations in other processes too;
   * this process has to see but the first and the last of them.
   */
  rotations(sessionId: string, generation: number, nowMs: number): { rotations: number; windowMs: number } {
    const known = this.metered.get(sessionId);
    const isRecent = known !== undefined && nowMs - known.sinceMs <= WINDOW_MS;
    if (!isRecent) this.metered.set(sessionId, { sinceMs: nowMs, generation });
    return { rotations: isRecent ? generation - known.generation : 0, windowMs: WINDOW_MS };
  }

  /** Judges by every rule. A suspicion that goes on is told of once in ten minutes and process. */
  judge(activity: Activity, source: EventSource): Verdict {
    const { action, rules } = this.options.anomaly;
    let isSuspicious = false;
    for (const rule of rules) {
      const suspicion = this.ask(rule, activity);
      if (!suspicion) continue;
      isSuspicious = true;
      this.tell(rule, activity, suspicion, source);
    }
    return isSuspicious && action !== 'report' ? action : null;
  }

  /** A rule of the application that fails, or returns what is no answer, is its bug, and nobody's refusal. */
  private ask(rule: AnomalyRule, activity: Activity): Suspicion | null {
    try {
      return readSuspicion(rule.examine(activity));
    } catch (error) {
      this.logger.error(`the anomaly rule ${rule.name} failed: ${String(error)}`);
      return null;
    }
  }

  private tell(
    { name: rule }: AnomalyRule,
    activity: Activity,
    evidence: Suspicion,
    source: EventSource,
  ): void {
    const { userId, sessionId, use } = activity;
    const key = `${sessionId} ${rule}`;
    const nowMs = use.at.getTime();
    const before = this.told.get(key);
    if (before !== undefined && nowMs - before < WINDOW_MS) return;
    this.told.set(key, nowMs);
    void this.events.emit('activity.suspected', {
      userId,
      sessionId,
      rule,
      action: this.options.anomaly.action,
      evidence,
      source,
    });
  }
}
