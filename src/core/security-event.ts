import type { AuthEventName, AuthEvents, EventDevice, EventSource } from './events.js';

/** One row of the audit log. It holds ids, addresses and user agents; never a token, a password or a hash. */
export interface SecurityEvent {
  /** A UUID of version 7 (RFC 9562): ids order events by time. */
  readonly id: string;
  readonly at: Date;
  readonly type: AuthEventName;
  /** Whom it is about. */
  readonly userId?: string;
  readonly sessionId?: string;
  /** The administrator who did it, where it was one. */
  readonly by?: string;
  readonly ip?: string;
  readonly userAgent?: string;
  readonly device?: Readonly<Record<string, string>>;
  readonly reason?: string;
  /** What else the event tells, by its type. */
  readonly evidence?: Readonly<Record<string, unknown>>;
}

/** What an event says, before it has an id and a time. Null is left out of the row. */
export type SecurityFacts = {
  readonly [Field in Exclude<keyof SecurityEvent, 'id' | 'at' | 'type'>]?: SecurityEvent[Field] | null;
};

const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

/** How each event is told: a new event breaks the build here until it is told as well. */
const TELL: { readonly [Name in AuthEventName]: (payload: AuthEvents[Name]) => SecurityFacts } = {
  'user.registered': ({ userId, source }) => ({ userId, ...from(source) }),
  'user.logged_in': onDevice,
  'device.first_seen': onDevice,
  // Not the address that was typed: people type passwords into that field.
  'login.failed': ({ userId, reason, source }) => ({ userId, reason, ...from(source) }),
  // Typed again and again, and an address: it is no slip, and whose account is locked must be known.
  'login.locked': ({ email, userId, reason, source }) => ({
    userId,
    reason,
    evidence: email !== null && ADDRESS.test(email) ? { email } : null,
    ...from(source),
  }),
  'user.logged_out': ({ userId, sessionId, everywhere, by, source }) => ({
    userId,
    sessionId,
    by,
    evidence: { everywhere },
    ...from(source),
  }),
  'user.disabled': ({ userId, by, source }) => ({ userId, by, ...from(source) }),
  'user.enabled': ({ userId, by, source }) => ({ userId, by, ...from(source) }),
  'records.viewed': ({ records, userId, by, source }) => ({
    userId,
    by,
    evidence: { records },
    ...from(source),
  }),
  'access.denied': told,
  'refresh_token.rotated': ({ userId, sessionId, generation, source }) => ({
    userId,
    sessionId,
    evidence: { generation },
    ...from(source),
  }),
  'refresh_token.replayed': told,
  'refresh_token.recovered': told,
  'refresh_token.restored': told,
  'refresh_token.reuse_detected': ({ evidence: reason, ...payload }) => ({ ...told(payload), reason }),
  'refresh_token.refused': ({ reason, ...payload }) => ({ ...told(payload), reason }),
  'session.revoked': ({ userId, sessionId, reason, clientId, source }) => ({
    userId,
    sessionId,
    reason,
    evidence: clientId === undefined ? null : { clientId },
    ...from(source),
  }),
  'session.evicted': ({ userId, sessionId, source }) => ({ userId, sessionId, ...from(source) }),
  'fingerprint.mismatched': told,
  'activity.suspected': ({ userId, sessionId, rule, action, evidence, source }) => ({
    userId,
    sessionId,
    reason: rule,
    // Last: what a rule calls `action` is not what the policy does.
    evidence: { ...evidence, action },
    ...from(source),
  }),
  'access_token.revoked': ({ userId, sessionId, tokenId, clientId, source }) => ({
    userId,
    sessionId,
    evidence: { tokenId, clientId },
    ...from(source),
  }),
  'client.refused': ({ clientId, reason, source }) => ({
    reason,
    evidence: clientId === null ? null : { clientId },
    ...from(source),
  }),
  'key.retired': ({ kind, kid }) => ({ evidence: { kind, kid } }),
  'password.changed': ({ userId, source }) => ({ userId, ...from(source) }),
  'password.reset_requested': ({ userId, source }) => ({ userId, ...from(source) }),
  'password.reset': ({ userId, source }) => ({ userId, ...from(source) }),
  'email.verified': ({ userId, source }) => ({ userId, ...from(source) }),
};

/** Every event that there is. */
export const AUTH_EVENT_NAMES = Object.keys(TELL) as AuthEventName[];

/** So many of these come that they are written when there is time; when there is no room, they go first. */
const ROUTINE: ReadonlySet<AuthEventName> = new Set<AuthEventName>([
  'refresh_token.rotated',
  'refresh_token.replayed',
  // A client that goes on with a token of an ended session.
  'refresh_token.refused',
  // Of one user, as often as he likes.
  'access.denied',
]);

/** A flood of requests over a limit is routine too: it must not cost more than it did. */
export function isRoutine({ type, reason }: Pick<SecurityEvent, 'type' | 'reason'>): boolean {
  if (type === 'client.refused') return reason === 'client_limit';
  return ROUTINE.has(type) || (type === 'login.locked' && reason !== 'failure_limit');
}

/** The row of an event. */
export function securityEvent<Name extends AuthEventName>(
  id: string,
  at: Date,
  type: Name,
  payload: AuthEvents[Name],
): SecurityEvent {
  const row: Record<string, unknown> = { id, at, type };
  const facts = TELL[type](payload);
  for (const [field, value] of Object.entries(facts)) if (value !== null) row[field] = value;
  return row as unknown as SecurityEvent;
}

/** Who, from where, and on which device. */
function onDevice({ userId, sessionId, device, source }: AuthEvents['user.logged_in']): SecurityFacts {
  return { userId, sessionId, device: said(device), ...from(source) };
}

/** Who, from where, and the rest as evidence. */
function told<T extends { userId: string; sessionId: string; source: EventSource }>({
  userId,
  sessionId,
  source,
  ...evidence
}: T): SecurityFacts {
  return { userId, sessionId, evidence, ...from(source) };
}

function from(source: EventSource | null): SecurityFacts {
  return source ? { ip: source.ip === '' ? null : source.ip, userAgent: source.userAgent } : {};
}

function said(device: EventDevice): SecurityEvent['device'] | null {
  const given = Object.entries(device).filter((entry): entry is [string, string] => entry[1] !== null);
  return given.length > 0 ? Object.fromEntries(given) : null;
}
