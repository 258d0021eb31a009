import {
  AUTH_EVENTS,
  type AuthEventName,
  type AuthEvents,
  type EventDevice,
  type EventSource,
  writablePayload,
} from '../core/events.js';

/** One row of the audit log. It contains ids, addresses and user agents; never a token, a password or a hash. */
export interface SecurityEvent {
  /** A UUID of version 7 (RFC 9562): ids sort by time. */
  readonly id: string;
  readonly at: Date;
  readonly type: AuthEventName;
  /** The user it is about. */
  readonly userId?: string;
  readonly sessionId?: string;
  /** The administrator who did it. */
  readonly by?: string;
  readonly ip?: string;
  readonly userAgent?: string;
  readonly device?: Readonly<Record<string, string>>;
  readonly reason?: string;
  /** The other fields of the event, depending on its type. */
  readonly evidence?: Readonly<Record<string, unknown>>;
}

/** The row of an event: fields that many events share are columns, the rest is its evidence. */
export function securityEvent<Name extends AuthEventName>(
  id: string,
  at: Date,
  type: Name,
  payload: AuthEvents[Name],
): SecurityEvent {
  const { userId, sessionId, by, device, source, ...rest } = writablePayload(payload) as AnyPayload;
  const columns = {
    id,
    at,
    type,
    userId,
    sessionId,
    by,
    device: device && withoutNulls(device),
    ip: source?.ip === '' ? null : source?.ip,
    userAgent: source?.userAgent,
    ...reasonAndEvidence(type, rest),
  };
  return withoutNulls(columns) as unknown as SecurityEvent;
}

/** The fields that many events share. */
interface AnyPayload extends Record<string, unknown> {
  readonly userId?: string | null;
  readonly sessionId?: string | null;
  readonly by?: string | null;
  readonly device?: EventDevice;
  readonly source?: EventSource | null;
}

function reasonAndEvidence(
  type: AuthEventName,
  rest: Readonly<Record<string, unknown>>,
): { reason?: unknown; evidence?: unknown } {
  if (type === 'activity.suspected') {
    // `action` comes last, because a rule's evidence may have a field with that name.
    return { reason: rest.rule, evidence: { ...(rest.evidence as object), action: rest.action } };
  }
  // Rows of `refresh_token.restored` keep the reason within the evidence, as earlier versions did.
  const field = type === 'refresh_token.restored' ? undefined : AUTH_EVENTS[type].reason?.field;
  const { [field ?? '']: reason, ...evidence } = rest;
  return { reason, evidence: withoutNulls(evidence) && evidence };
}

/** Undefined if nothing is left. */
function withoutNulls(fields: object): Record<string, unknown> | undefined {
  let given: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(fields))
    if (value !== null && value !== undefined) (given ??= {})[name] = value;
  return given;
}

/** Routine events are written with a delay, and dropped first if there is no room. A flood over a limit is routine too. */
export function isRoutine({ type, reason }: Pick<SecurityEvent, 'type' | 'reason'>): boolean {
  const { routine } = AUTH_EVENTS[type];
  return routine === true || (reason !== undefined && routine?.includes(reason) === true);
}
