import type { ReuseEvidence, RevocationReason } from './rotation.js';

/** Who sent a request. */
export interface EventSource {
  readonly ip: string;
  readonly userAgent: string | null;
}

interface SessionEvent {
  readonly userId: string;
  readonly sessionId: string;
}

/** Payloads carry ids, addresses and user agents; never a token, a password or a hash. */
export interface AuthEvents {
  'user.registered': { userId: string; source: EventSource };
  'user.logged_in': SessionEvent & { source: EventSource };
  'login.failed': {
    email: string;
    userId: string | null;
    reason: 'unknown_user' | 'wrong_password' | 'disabled';
    source: EventSource;
  };
  /** Too many failures: the attempt was refused before its password was looked at. */
  'login.locked': { email: string; source: EventSource };
  'user.logged_out': { userId: string; sessionId: string | null; everywhere: boolean };
  'user.disabled': { userId: string };
  'user.enabled': { userId: string };
  'refresh_token.rotated': SessionEvent & { generation: number; source: EventSource };
  /** An earlier token within its grace period: a race between tabs, or a retry. */
  'refresh_token.replayed': SessionEvent & {
    generation: number;
    presentedGeneration: number;
    source: EventSource;
  };
  /** A lost response was made good. `repeated`: not for the first time in this generation, which is odd. */
  'refresh_token.recovered': SessionEvent & {
    generation: number;
    presentedGeneration: number;
    repeated: boolean;
    source: EventSource;
  };
  /** The store knows less than the token says: a restored backup or a rolled-back write. */
  'refresh_token.restored': SessionEvent & {
    generation: number;
    presentedGeneration: number;
    source: EventSource;
  };
  'refresh_token.reuse_detected': SessionEvent & {
    generation: number;
    presentedGeneration: number;
    evidence: ReuseEvidence;
    /** False in shadow mode (`reuse: 'report'`). */
    revoked: boolean;
    source: EventSource;
    /** The last use of the session that was accepted: the other side. */
    lastUse: (EventSource & { at: Date }) | null;
  };
  'session.revoked': SessionEvent & { reason: RevocationReason };
  'session.evicted': SessionEvent;
  'fingerprint.mismatched': SessionEvent & { refused: boolean; source: EventSource };
  'password.changed': { userId: string };
}

export type AuthEventName = keyof AuthEvents;
