/**
 * The answers of the demo's routes. The page imports this file as well, so it holds only types that work in Node
 * and in browsers. Times are milliseconds since the epoch.
 */

/** Something that happened to a session; ids, labels and generations only. */
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
  /** A tab or the thief; null if unknown. */
  readonly caller: string | null;
  /** The generation of the session at that time. */
  readonly generation?: number;
  /** The generation of the presented token, if it was not the current one. */
  readonly presentedGeneration?: number;
  /** Why a session was revoked. */
  readonly reason?: string;
  /** An answer that was lost once more: the browser had sent the same request again by itself. */
  readonly isRepeat?: boolean;
}

/** What the page draws, timed by the server's clock. */
export interface TimelineAnswer {
  readonly now: number;
  readonly gracePeriodMs: number;
  /** Null once the session has ended. */
  readonly session: {
    readonly id: string;
    readonly generation: number;
    readonly createdAt: number;
    readonly rotatedAt: number;
    readonly isConfirmed: boolean;
    /** Whether the session is bound to a key of the browser (RFC 9449). */
    readonly isBound: boolean;
  } | null;
  /** The generation of the token that the thief has. */
  readonly stolenGeneration: number | null;
  readonly events: readonly TimelineEvent[];
}

/** The result of presenting the stolen token. */
export type TheftOutcome =
  | { readonly outcome: 'accepted'; readonly presentedGeneration: number; readonly generation: number }
  | { readonly outcome: 'refused'; readonly presentedGeneration: number; readonly code: string };
