/** What the demo's routes answer: read by the page as well, so types alone, of both worlds. Times are milliseconds since the epoch. */

/** What happened to a session; ids, labels and generations only. */
export interface TimelineEvent {
  /** Grows with each event. */
  readonly id: number;
  readonly kind:
    | 'logged_in'
    | 'rotated'
    | 'confirmed'
    | 'replayed'
    | 'recovered'
    | 'contested'
    | 'proof_failed'
    | 'restored'
    | 'fingerprint_mismatched'
    | 'reuse_detected'
    | 'response_lost'
    | 'stolen'
    | 'revoked'
    | 'logged_out';
  readonly at: number;
  /** A tab, the thief; null where it is not known. */
  readonly caller: string | null;
  /** Of the session when it happened. */
  readonly generation?: number;
  /** Of the token that was presented, where it was not the current one. */
  readonly presentedGeneration?: number;
  /** Why a session was revoked. */
  readonly reason?: string;
  /** An answer that was lost once more: the browser had sent the same request again by itself. */
  readonly isRepeat?: boolean;
}

/** What the page draws, by the server's clock. */
export interface TimelineAnswer {
  readonly now: number;
  readonly gracePeriodMs: number;
  /** Null once it is over. */
  readonly session: {
    readonly id: string;
    readonly generation: number;
    readonly createdAt: number;
    readonly rotatedAt: number;
    readonly isConfirmed: boolean;
    /** Whether it belongs to a key of the browser (RFC 9449). */
    readonly isBound: boolean;
  } | null;
  /** The generation of the token that the thief has. */
  readonly stolenGeneration: number | null;
  readonly events: readonly TimelineEvent[];
}

/** What came of presenting what was stolen. */
export type TheftOutcome =
  | { readonly outcome: 'accepted'; readonly presentedGeneration: number; readonly generation: number }
  | { readonly outcome: 'refused'; readonly presentedGeneration: number; readonly code: string };
