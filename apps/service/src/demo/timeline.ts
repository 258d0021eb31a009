import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { AuthEventBus, type AuthEventName } from 'nestjs-silent-auth';
import type { TimelineEvent } from './answers.js';
import { currentCaller } from './caller.js';

const SESSIONS = 200;
const EVENTS_PER_SESSION = 200;

/** The events that the demo draws. */
const KINDS = {
  'user.logged_in': 'logged_in',
  'refresh_token.rotated': 'rotated',
  'refresh_token.replayed': 'replayed',
  'refresh_token.recovered': 'recovered',
  'refresh_token.contested': 'contested',
  'refresh_token.proof_failed': 'proof_failed',
  'refresh_token.restored': 'restored',
  'refresh_token.reuse_detected': 'reuse_detected',
  'fingerprint.mismatched': 'fingerprint_mismatched',
  'session.revoked': 'revoked',
  'user.logged_out': 'logged_out',
} as const satisfies Partial<Record<AuthEventName, TimelineEvent['kind']>>;

/** The latest events of the latest sessions, in memory. */
@Injectable()
export class Timeline implements OnModuleInit {
  private readonly sessions = new LRUCache<string, TimelineEvent[]>({ max: SESSIONS });
  /** Starts above the last number of an earlier process. */
  private count = Date.now();

  constructor(private readonly events: AuthEventBus) {}

  onModuleInit(): void {
    for (const [name, kind] of Object.entries(KINDS) as [AuthEventName, TimelineEvent['kind']][])
      this.events.on(name, (payload) => this.recordEvent(kind, payload));
  }

  of(sessionId: string): readonly TimelineEvent[] {
    return this.sessions.get(sessionId) ?? [];
  }

  record(sessionId: string, event: Omit<TimelineEvent, 'id' | 'at' | 'caller'>, at = Date.now()): void {
    const events = this.sessions.get(sessionId) ?? [];
    this.count += 1;
    events.push({ id: this.count, ...event, at, caller: currentCaller() });
    if (events.length > EVENTS_PER_SESSION) events.shift();
    this.sessions.set(sessionId, events);
  }

  /**
   * There is no event for a confirmation: guards would emit it with every request. The code that sees it first
   * records it once.
   */
  recordConfirmation(sessionId: string, generation: number, at: Date): void {
    const isKnown = this.of(sessionId).some(
      (event) => event.kind === 'confirmed' && event.generation === generation,
    );
    if (!isKnown) this.record(sessionId, { kind: 'confirmed', generation }, at.getTime());
  }

  private recordEvent(kind: TimelineEvent['kind'], payload: object): void {
    const { sessionId, generation, presentedGeneration, reason } = payload as Presented;
    if (sessionId !== null) this.record(sessionId, { kind, generation, presentedGeneration, reason });
  }
}

/** The fields that the timeline reads from a payload. */
type Presented = Pick<TimelineEvent, 'generation' | 'presentedGeneration' | 'reason'> & {
  readonly sessionId: string | null;
};
