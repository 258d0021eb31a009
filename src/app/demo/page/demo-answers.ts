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
