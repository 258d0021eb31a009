import type { AuthClient } from '../../../client/index.js';

/** As the demo's routes answer; see demo.controller.ts. Times are milliseconds since the epoch. */
export interface TimelineEvent {
  readonly kind:
    | 'logged_in'
    | 'rotated'
    | 'confirmed'
    | 'replayed'
    | 'recovered'
    | 'restored'
    | 'fingerprint_mismatched'
    | 'reuse_detected'
    | 'response_lost'
    | 'stolen'
    | 'revoked'
    | 'logged_out';
  /** Grows. */
  readonly id: number;
  readonly at: number;
  readonly caller: string | null;
  readonly generation?: number;
  readonly presentedGeneration?: number;
  readonly reason?: string;
}

export interface Timeline {
  readonly now: number;
  readonly gracePeriodMs: number;
  readonly session: {
    readonly id: string;
    readonly generation: number;
    readonly createdAt: number;
    readonly rotatedAt: number;
    readonly isConfirmed: boolean;
  } | null;
  readonly stolenGeneration: number | null;
  readonly events: readonly TimelineEvent[];
}

export type TheftOutcome =
  | { readonly outcome: 'accepted'; readonly presentedGeneration: number; readonly generation: number }
  | { readonly outcome: 'refused'; readonly presentedGeneration: number; readonly code: string };

/** The routes that exist for this page alone. */
export class DemoServer {
  constructor(private readonly auth: AuthClient) {}

  timeline(): Promise<Timeline> {
    return this.ask<Timeline>('GET', 'timeline');
  }

  async loseResponse(): Promise<void> {
    await this.ask('POST', 'lost-response');
  }

  async beginOutage(): Promise<void> {
    await this.ask('POST', 'outage');
  }

  steal(): Promise<Timeline> {
    return this.ask<Timeline>('POST', 'theft');
  }

  replayStolen(): Promise<{ readonly theft: TheftOutcome; readonly timeline: Timeline }> {
    return this.ask('POST', 'theft/replay');
  }

  private async ask<T>(method: string, path: string): Promise<T> {
    const answer = await this.auth.fetch(`/demo/${path}`, { method });
    const body: unknown = answer.status === 204 ? null : await answer.json();
    if (!answer.ok)
      throw new Error((body as { message?: string }).message ?? `The server answered ${answer.status}.`);
    return body as T;
  }
}
