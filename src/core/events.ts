import type { RestoredEvidence, ReuseEvidence, RevocationReason } from './rotation.js';
import type { Suspicion } from './anomaly.js';

/** Who sent a request. */
export interface EventSource {
  readonly ip: string;
  readonly userAgent: string | null;
}

/** What a client said of its device at login. */
export interface EventDevice {
  readonly appId: string | null;
  readonly deviceId: string | null;
  readonly deviceName: string | null;
}

/** Who asked for it; null where no request did: the host called a service by itself. */
type Cause = { source: EventSource | null };

/** What an administrator may have done to another user: his id; null where it was the user himself, or the host. */
type Act = Cause & { by: string | null };

interface SessionEvent {
  readonly userId: string;
  readonly sessionId: string;
}

/** A refresh token that was not the current one, and the state of its session when it came. */
export interface EarlierTokenEvent extends SessionEvent {
  /** Of the session. */
  readonly generation: number;
  /** Of the token. */
  readonly presentedGeneration: number;
  /** When the token was replaced; null where the session does not remember it. */
  readonly replacedAt: Date | null;
  /** When the current token was first seen in use; null: nothing shows that the answer which carried it arrived. */
  readonly confirmedAt: Date | null;
  /** Who presented it. */
  readonly source: EventSource;
}

/** Why a refresh was refused that is no race, no lost response, no restored state and no theft. */
export type RefusalReason =
  /** The store holds no such session: it ended long ago, or the store was restored or emptied. */
  | 'session_unknown'
  /** Unused for too long, or past its absolute expiry. */
  | 'session_expired'
  /** It had been ended, or was now, for the reason in `revokedReason`. */
  | 'session_revoked'
  /** A race that could not be settled: other requests of the same token kept winning (503; the next attempt does). */
  | 'contended';

/** Payloads carry ids, addresses and user agents; never a token, a password or a hash. */
export interface AuthEvents {
  'user.registered': { userId: string; source: EventSource };
  'user.logged_in': SessionEvent & { device: EventDevice; source: EventSource };
  /** A login on a device that the account does not know; told beside `user.logged_in`, never at a registration. */
  'device.first_seen': SessionEvent & { device: EventDevice; source: EventSource };
  'login.failed': {
    /** As typed. */
    email: string;
    userId: string | null;
    /** `disabled`, `email_not_verified`: with the right password. `wrong_current_password`: a change of password. */
    reason: 'unknown_user' | 'wrong_password' | 'disabled' | 'email_not_verified' | 'wrong_current_password';
    source: EventSource;
  };
  /**
   * Too many attempts: refused with 429 before a password or a token was looked at. `failure_limit`: wrong passwords for
   * an account; `login_limit` and `refresh_limit`: requests of an address, whoever they are for.
   */
  'login.locked': {
    email: string | null;
    userId: string | null;
    reason: 'failure_limit' | 'login_limit' | 'refresh_limit';
    source: EventSource;
  };
  'user.logged_out': Act & { userId: string; sessionId: string | null; everywhere: boolean };
  'user.disabled': Act & { userId: string };
  'user.enabled': Act & { userId: string };
  /** An administrator looked at a user's sessions, at security events of one user or of all (null), or at the security report. */
  'records.viewed': {
    records: 'sessions' | 'security_events' | 'security_report';
    userId: string | null;
    by: string;
    source: EventSource;
  };
  /** Someone with a good access token asked for what his roles do not allow: 403. `handler` is the method behind the route. */
  'access.denied': SessionEvent & { requiredRoles: readonly string[]; handler: string; source: EventSource };
  'refresh_token.rotated': SessionEvent & { generation: number; source: EventSource };
  /** An earlier token within its grace period: a race between tabs, or a retry. */
  'refresh_token.replayed': EarlierTokenEvent;
  /** A lost response was made good. `repeated`: not for the first time in this generation, which is odd. */
  'refresh_token.recovered': EarlierTokenEvent & { repeated: boolean };
  /** The store knows less than the token says: a restored backup or a rolled-back write. */
  'refresh_token.restored': EarlierTokenEvent & { evidence: RestoredEvidence };
  /** An earlier token that nothing excuses: theft. */
  'refresh_token.reuse_detected': EarlierTokenEvent & {
    evidence: ReuseEvidence;
    /** False in shadow mode (`reuse: 'report'`): the request was refused, and nothing ended. */
    revoked: boolean;
    /** What a reuse ends (`reuseScope`). */
    scope: 'session' | 'user';
    /** The sessions that this reuse ends, or in shadow mode would have ended; this one among them. */
    affectedSessionIds: readonly string[];
    /** The last use of the session that was accepted: the other side; of its user agent the first 128 characters. */
    lastUse: (EventSource & { at: Date }) | null;
  };
  /** A refresh that was refused for none of the reasons above. */
  'refresh_token.refused': SessionEvent & {
    presentedGeneration: number;
    reason: RefusalReason;
    /** Why the session was ended; null where it was not. */
    revokedReason: RevocationReason | null;
    source: EventSource;
  };
  /** `clientId`: of the service that asked for it, where it was one (`revoked_by_client`). */
  'session.revoked': SessionEvent & Cause & { reason: RevocationReason; clientId?: string };
  'session.evicted': SessionEvent & Cause;
  /** A refresh by another browser; of a session once for each that it shows, and process. */
  'fingerprint.mismatched': SessionEvent & { refused: boolean; source: EventSource };
  /** A rule found a refresh or a login odd; `action` is what the policy does about it. */
  'activity.suspected': SessionEvent & {
    rule: string;
    action: 'report' | 'revoke-session' | 'revoke-user';
    evidence: Suspicion;
    source: EventSource;
  };
  'password.changed': { userId: string; source: EventSource };
  /** Somebody asked for a link to set a new password; null: for an address that nobody has. Told after the answer. */
  'password.reset_requested': { userId: string | null; source: EventSource };
  /** By a link out of the user's mail; every session of his has ended. */
  'password.reset': { userId: string; source: EventSource };
  /** By a link out of the user's mail. */
  'email.verified': { userId: string; source: EventSource };
  /** Through the revocation endpoint (RFC 7009); `tokenId` is its `jti`. */
  'access_token.revoked': SessionEvent & Cause & { tokenId: string; clientId: string };
  /**
   * Wrong credentials at the OAuth endpoints. `clientId` is that of a known client, null of any other: who mistakes the
   * fields sends his secret as a name. `client_limit`: refused with 429 before a secret was looked at.
   */
  'client.refused': {
    clientId: string | null;
    reason: 'unknown_client' | 'wrong_secret' | 'client_limit';
    source: EventSource;
  };
  /** A key left the ring: its tokens are refused from now on. Told by each process, as it learns of it. */
  'key.retired': { kind: 'access' | 'refresh'; kid: string };
}

export type AuthEventName = keyof AuthEvents;
