import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { AuthEventBus } from '../../index.js';
import type { TimelineEvent } from './answers.js';
import { currentCaller } from './caller.js';

const SESSIONS = 200;
const EVENTS_PER_SESSION = 200;

/** The latest events of the latest sessions, in memory. */
@Injectable()
export class Timeline implements OnModuleInit {
  private readonly sessions = new LRUCache<string, TimelineEvent[]>({ max: SESSIONS });
  /** Goes on where the last process was, or later. */
  private count = Date.now();

  constructor(private readonly events: AuthEventBus) {}

  onModuleInit(): void {
    const { events } = this;
    events.on('user.logged_in', ({ sessionId }) => this.record(sessionId, { kind: 'logged_in' }));
    events.on('refresh_token.rotated', ({ sessionId, generation }) =>
      this.record(sessionId, { kind: 'rotated', generation }),
    );
    events.on('refresh_token.replayed', (event) => this.recordPresented('replayed', event));
    events.on('refresh_token.recovered', (event) => this.recordPresented('recovered', event));
    events.on('refresh_token.restored', (event) => this.recordPresented('restored', event));
    events.on('refresh_token.reuse_detected', (event) => this.recordPresented('reuse_detected', event));
    events.on('fingerprint.mismatched', ({ sessionId }) =>
      this.record(sessionId, { kind: 'fingerprint_mismatched' }),
    );
    events.on('session.revoked', ({ sessionId, reason }) =>
      this.record(sessionId, { kind: 'revoked', reason }),
    );
    events.on('user.logged_out', ({ sessionId }) => {
      if (sessionId !== null) this.record(sessionId, { kind: 'logged_out' });
    });
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

  /** No event tells of a confirmation, and none should, at the pace of guards; whoever sees it notes it once. */
  recordConfirmation(sessionId: string, generation: number, at: Date): void {
    const isKnown = this.of(sessionId).some(
      (event) => event.kind === 'confirmed' && event.generation === generation,
    );
    if (!isKnown) this.record(sessionId, { kind: 'confirmed', generation }, at.getTime());
  }

  private recordPresented(
    kind: TimelineEvent['kind'],
    event: { sessionId: string; generation: number; presentedGeneration: number },
  ): void {
    const { sessionId, generation, presentedGeneration } = event;
    this.record(sessionId, { kind, generation, presentedGeneration });
  }
}
