import {
  ANOMALIES,
  CLIENT_REFUSALS,
  type ClientRefusal,
  EXCEEDED_LIMITS,
  type ExceededLimit,
  LOGIN_FAILURES,
  type LoginFailure,
  PROOF_FAILURES,
  type ProofFailure,
  REFRESH_REFUSALS,
  type RefusalReason,
  RESTORED_EVIDENCE,
  type RestoredEvidence,
  REUSE_EVIDENCE,
  type ReuseEvidence,
  REVOCATION_REASONS,
  type RevocationReason,
} from './reasons.js';

export type { RefusalReason };

/** Who sent a request. */
export interface EventSource {
  readonly ip: string;
  readonly userAgent: string | null;
}

/** What a client said about its device at login. */
export interface EventDevice {
  readonly appId: string | null;
  readonly deviceId: string | null;
  readonly deviceName: string | null;
}

/** The request that caused it; null if the host called a service itself. */
type Cause = { source: EventSource | null };

/** An act of the user, the host or an administrator. `by`: the administrator's id; null if the user or the host did it. */
type Act = Cause & { by: string | null };

export interface SessionEvent {
  readonly userId: string;
  readonly sessionId: string;
}

/** A refresh token that was not the current one, and the state of its session when it came. */
export interface EarlierTokenEvent extends SessionEvent {
  /** Generation of the session. */
  readonly generation: number;
  /** Generation of the token. */
  readonly presentedGeneration: number;
  /** When the token was replaced; null if the session does not remember it. */
  readonly replacedAt: Date | null;
  /** When the current token was first used; null if nothing shows that the response with it arrived. */
  readonly confirmedAt: Date | null;
  /** Who presented it. */
  readonly source: EventSource;
}

/** For events in which two attempts present the same token. */
export interface OtherHolder {
  /** The client that made the current generation; its user agent is cut at 128 characters. */
  readonly other: (EventSource & { readonly at: Date }) | null;
}

/** Payloads carry ids, addresses and user agents; never a token, a password or a hash. */
export interface AuthEvents {
  'user.registered': { userId: string; source: EventSource };
  /** `amr`: how the user proved who they are (RFC 8176). */
  'user.logged_in': SessionEvent & { device: EventDevice; amr: readonly string[]; source: EventSource };
  /** Within a session: its `auth_time` is new. `amr`: how the user proved who they are (RFC 8176). */
  'user.reauthenticated': SessionEvent & Cause & { amr: readonly string[] };
  /** A login on a device that the account does not know; follows `user.logged_in`, never a registration. */
  'device.first_seen': SessionEvent & { device: EventDevice; source: EventSource };
  /** `email`: as typed, which may be a password. */
  'login.failed': { email: string; userId: string | null; reason: LoginFailure; source: EventSource };
  /** Too many attempts: refused with 429. `email`: as typed. `userId`: the owner of that address, if there is one. */
  'login.locked': {
    email: string | null;
    userId: string | null;
    reason: ExceededLimit;
    source: EventSource;
  };
  'user.logged_out': Act & { userId: string; sessionId: string | null; everywhere: boolean };
  'user.disabled': Act & { userId: string };
  'user.enabled': Act & { userId: string };
  /** Access tokens with the previous roles are refused from now on; the sessions continue. */
  'user.roles_changed': Act & { userId: string; roles: readonly string[] };
  /** The user was deleted, with their sessions and their personal data in the audit log. */
  'user.deleted': Act & { userId: string };
  /** The account's count of wrong passwords was cleared. */
  'user.unlocked': Act & { userId: string };
  /** An administrator (`by`) got an access token of the user and gave a reason. */
  'user.impersonated': Cause & { userId: string; by: string; reason: string };
  /** A user asked to change their address; a link was requested for the new one. */
  'email.change_requested': { userId: string; source: EventSource };
  /** The user opened the link that was sent to the new address. */
  'email.changed': { userId: string; source: EventSource };
  /** An administrator read users, a user's sessions, security events of one user or of all (null), or the security report. */
  'records.viewed': {
    records: 'sessions' | 'users' | 'security_events' | 'security_report';
    userId: string | null;
    by: string;
    source: EventSource;
  };
  /** A valid access token without a role that the route requires: 403. `handler` is the method behind the route. */
  'access.denied': SessionEvent & { requiredRoles: readonly string[]; handler: string; source: EventSource };
  'refresh_token.rotated': SessionEvent & { generation: number; source: EventSource };
  /** An earlier token within its grace period: a race between tabs, or a retry. */
  'refresh_token.replayed': EarlierTokenEvent;
  /** A new token replaced one whose response was lost. `repeated`: this token was recovered before, which is odd. */
  'refresh_token.recovered': EarlierTokenEvent & { repeated: boolean };
  /** The client had stored an older token; its attempt proved that the current one is its own, and it got a new one. */
  'refresh_token.healed': EarlierTokenEvent;
  /** An attempt from long ago came again: refused with 409, and nothing changed. */
  'refresh_token.superseded': EarlierTokenEvent;
  /** Two attempts with one token within the grace period: refused with 409, and nothing changed. */
  'refresh_token.contested': EarlierTokenEvent & OtherHolder;
  /** Two attempts with one token: the generation that the other attempt made was unused, so it was taken back. */
  'refresh_token.displaced': EarlierTokenEvent & OtherHolder;
  /** The store is older than the token: a restored backup or a rolled-back write. */
  'refresh_token.restored': EarlierTokenEvent & { evidence: RestoredEvidence };
  /** An earlier token without any innocent explanation: theft. */
  'refresh_token.reuse_detected': EarlierTokenEvent & {
    evidence: ReuseEvidence;
    /** False in shadow mode (`reuse: 'report'`): the request was refused, but no session ended. */
    revoked: boolean;
    /** What a reuse ends (`reuseScope`). */
    scope: 'session' | 'user';
    /** The sessions that this reuse ends, or would have ended in shadow mode, including this one. */
    affectedSessionIds: readonly string[];
    /** The last accepted use of the session, by the other holder; its user agent is cut at 128 characters. */
    lastUse: (EventSource & { at: Date }) | null;
  };
  /** A refresh that was refused for none of the reasons above. */
  'refresh_token.refused': SessionEvent & {
    presentedGeneration: number;
    reason: RefusalReason;
    /** Why the session was ended; null if it was not. */
    revokedReason: RevocationReason | null;
    source: EventSource;
  };
  /**
   * A request to refresh, log out or change the password without a valid proof of the session's key: refused, and nothing
   * changed. A proof by the right key with an outdated nonce emits no event: that is how clients get a nonce.
   */
  'refresh_token.proof_failed': SessionEvent & Cause & { reason: ProofFailure };
  /** `clientId`: the service that asked for it (`revoked_by_client`). */
  'session.revoked': SessionEvent & Cause & { reason: RevocationReason; clientId?: string };
  'session.evicted': SessionEvent & Cause;
  /** A refresh by another browser; emitted once for each browser, session and process. */
  'fingerprint.mismatched': SessionEvent & { refused: boolean; source: EventSource };
  /** A rule found a refresh or a login odd; `action` is what the policy does about it, `evidence` what the rule saw. */
  'activity.suspected': SessionEvent & {
    rule: string;
    action: 'report' | 'revoke-session' | 'revoke-user';
    evidence: Readonly<Record<string, string | number | boolean | null>>;
    source: EventSource;
  };
  'password.changed': { userId: string; source: EventSource };
  /** A request for a password-reset link; null: no user has the address. Emitted after the response. */
  'password.reset_requested': { userId: string | null; source: EventSource };
  /** The user set a new password with a link from their mail; all their sessions have ended. */
  'password.reset': { userId: string; source: EventSource };
  /** The user opened a link from their mail. */
  'email.verified': { userId: string; source: EventSource };
  /** Through the revocation endpoint (RFC 7009); `tokenId` is its `jti`. */
  'access_token.revoked': SessionEvent & Cause & { tokenId: string; clientId: string };
  /**
   * Wrong credentials at the OAuth endpoints. `clientId`: null unless the client is known, because a client that mixes up the
   * fields sends its secret as its id.
   */
  'client.refused': { clientId: string | null; reason: ClientRefusal; source: EventSource };
  /** A key left the ring: its tokens are refused from now on. Each process emits it when it notices the change. */
  'key.retired': { kind: 'access' | 'refresh'; kid: string };
}

export type AuthEventName = keyof AuthEvents;

/** The facts about one event that all readers of events share. */
export interface AuthEventFacts<Payload = Record<string, unknown>> {
  /** Level of its log line: `warn` is for what an operator should see at once. */
  readonly level: 'debug' | 'log' | 'warn';
  /** Label for several of them, as in a report. */
  readonly many: string;
  /** Label for a single one, as in a list. */
  readonly one: string;
  /** Frequent: the audit log writes it with low priority and drops it first. A list limits this to some reasons. */
  readonly routine?: true | readonly string[];
  /**
   * For events that anybody can cause without end: how many are written per fifteen minutes, per reason, address, user and
   * session. The rest is only counted. Absent: no limit.
   */
  readonly atMost?: number;
  /** The field that holds the reason, and the words for each of its values. */
  readonly reason?: {
    readonly field: keyof Payload & string;
    readonly words: Readonly<Record<string, string>>;
  };
}

/** Enough to see what somebody is trying. */
const FEW = 20;

/** Every event. The log, the metrics, the audit log, the report and the pages derive from this table. */
export const AUTH_EVENTS: { readonly [Name in AuthEventName]: AuthEventFacts<AuthEvents[Name]> } = {
  'user.registered': { level: 'log', many: 'Registrations', one: 'Registered' },
  'user.logged_in': { level: 'log', many: 'Logins', one: 'Logged in' },
  'user.reauthenticated': {
    level: 'log',
    many: 'Identities confirmed again',
    one: 'The user confirmed their identity again',
  },
  'device.first_seen': { level: 'log', many: 'Logins on new devices', one: 'Logged in on a new device' },
  'login.failed': {
    level: 'log',
    many: 'Failed logins',
    one: 'A login failed',
    reason: { field: 'reason', words: LOGIN_FAILURES },
    atMost: FEW,
  },
  'login.locked': {
    level: 'warn',
    many: 'Attempts refused by a limit',
    one: 'An attempt was refused by a limit',
    routine: ['login_limit', 'refresh_limit'],
    reason: { field: 'reason', words: EXCEEDED_LIMITS },
    atMost: 1,
  },
  'user.logged_out': { level: 'log', many: 'Logouts', one: 'Logged out' },
  'user.disabled': { level: 'warn', many: 'Users disabled', one: 'The user was disabled' },
  'user.enabled': { level: 'warn', many: 'Users enabled', one: 'The user was enabled' },
  'user.roles_changed': { level: 'warn', many: 'Changes of roles', one: 'The user’s roles were changed' },
  'user.deleted': { level: 'warn', many: 'Users deleted', one: 'The user was deleted' },
  'user.unlocked': { level: 'log', many: 'Users unlocked', one: 'The user was unlocked' },
  'user.impersonated': {
    level: 'warn',
    many: 'Administrators who acted for users',
    one: 'An administrator began to act for the user',
  },
  'email.change_requested': {
    level: 'log',
    many: 'Changes of address requested',
    one: 'A change of the address was requested',
    atMost: FEW,
  },
  'email.changed': { level: 'warn', many: 'Addresses changed', one: 'The address was changed' },
  'records.viewed': {
    level: 'log',
    many: 'Records viewed by administrators',
    one: 'An administrator viewed these records',
  },
  'access.denied': {
    level: 'warn',
    many: 'Requests beyond a user’s roles',
    one: 'A request went beyond the user’s roles',
    routine: true,
    atMost: 1,
  },
  'refresh_token.rotated': {
    level: 'debug',
    many: 'Sessions refreshed',
    one: 'A session was refreshed',
    routine: true,
  },
  'refresh_token.replayed': {
    level: 'debug',
    many: 'Races and retries forgiven',
    one: 'A race or a retry was forgiven',
    routine: true,
    atMost: FEW,
  },
  'refresh_token.recovered': {
    level: 'log',
    many: 'Lost responses recovered',
    one: 'A lost response was recovered',
    atMost: FEW,
  },
  'refresh_token.healed': {
    level: 'log',
    many: 'Clients recovered from an older stored token',
    one: 'A client recovered from an older stored token',
    atMost: FEW,
  },
  'refresh_token.superseded': {
    level: 'debug',
    many: 'Outdated refreshes refused',
    one: 'An outdated refresh was refused',
    routine: true,
    atMost: FEW,
  },
  'refresh_token.contested': {
    level: 'debug',
    many: 'Tokens used by two clients at once',
    one: 'A token was used by two clients at once',
    routine: true,
    atMost: FEW,
  },
  'refresh_token.displaced': {
    level: 'log',
    many: 'Sessions taken back from a second client',
    one: 'A session was taken back from a second client',
    atMost: FEW,
  },
  'refresh_token.restored': {
    level: 'warn',
    many: 'Sessions newer than the database',
    one: 'A session was newer than the database',
    reason: { field: 'evidence', words: RESTORED_EVIDENCE },
    atMost: FEW,
  },
  'refresh_token.reuse_detected': {
    level: 'warn',
    many: 'Stolen tokens caught',
    one: 'A stolen token was caught',
    reason: { field: 'evidence', words: REUSE_EVIDENCE },
    atMost: FEW,
  },
  'refresh_token.refused': {
    level: 'log',
    many: 'Refreshes refused',
    one: 'A refresh was refused',
    routine: true,
    reason: { field: 'reason', words: REFRESH_REFUSALS },
    atMost: FEW,
  },
  'refresh_token.proof_failed': {
    level: 'warn',
    many: 'Requests without the key of their session',
    one: 'A request came without the key of its session',
    routine: true,
    reason: { field: 'reason', words: PROOF_FAILURES },
    atMost: FEW,
  },
  'session.revoked': {
    level: 'log',
    many: 'Sessions ended',
    one: 'A session was ended',
    reason: { field: 'reason', words: REVOCATION_REASONS },
  },
  'session.evicted': {
    level: 'log',
    many: 'Sessions ended for newer ones',
    one: 'A session was ended for a newer one',
  },
  'fingerprint.mismatched': {
    level: 'warn',
    many: 'Tokens from another browser',
    one: 'A token came from another browser',
  },
  'activity.suspected': {
    level: 'warn',
    many: 'Odd activity',
    one: 'Odd activity',
    reason: { field: 'rule', words: ANOMALIES },
    atMost: FEW,
  },
  'access_token.revoked': {
    level: 'log',
    many: 'Access tokens revoked by services',
    one: 'A service revoked an access token',
  },
  'client.refused': {
    level: 'warn',
    many: 'Services refused',
    one: 'A service was refused',
    routine: ['client_limit'],
    reason: { field: 'reason', words: CLIENT_REFUSALS },
    atMost: 1,
  },
  'key.retired': { level: 'log', many: 'Keys retired', one: 'A key was retired' },
  'password.changed': { level: 'log', many: 'Passwords changed', one: 'The password was changed' },
  'password.reset_requested': {
    level: 'log',
    many: 'Password reset links requested',
    one: 'A password reset link was requested',
    atMost: FEW,
  },
  'password.reset': { level: 'warn', many: 'Passwords set by a link', one: 'The password was set by a link' },
  'email.verified': { level: 'log', many: 'Addresses verified', one: 'The address was verified' },
};

export const AUTH_EVENT_NAMES = Object.keys(AUTH_EVENTS) as AuthEventName[];

/**
 * A payload without the e-mail address that was typed, which may be a password: safe to store. The user id still says which
 * account it was, if there is one.
 */
export function writablePayload(payload: AuthEvents[AuthEventName]): object {
  if (!('email' in payload)) return payload;
  const { email: _typed, ...rest } = payload;
  return rest;
}
