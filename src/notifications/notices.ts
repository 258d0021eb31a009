import type { AuthEventName, AuthEvents } from '../core/events.js';
import { DAY_MS, HOUR_MS } from '../core/limits.js';
import type {
  MailRecipient,
  Notice,
  NotificationEvent,
  SuspicionCause,
  SuspiciousActivity,
} from '../core/mail.js';

const notices = {
  'device.first_seen': ({ userId, sessionId, device, source }) =>
    notice({ userId }, { kind: 'new_device', sessionId, device, source }),
  'refresh_token.reuse_detected': ({ userId, sessionId, revoked, scope, source }) => {
    const ended = scope === 'user' ? 'all_sessions' : 'session';
    return suspicion(
      { userId },
      { cause: 'token_reused', sessionId, ended: revoked ? ended : 'nothing', source },
    );
  },
  // An admitted mismatch is only a hint for the operator: browsers change their language, for example.
  'fingerprint.mismatched': ({ userId, sessionId, refused, source }) =>
    refused ? suspicion({ userId }, { cause: 'other_browser', sessionId, ended: 'session', source }) : null,
  'activity.suspected': ({ userId, sessionId, rule, action, source }) => {
    const ended = (
      { report: 'nothing', 'revoke-session': 'session', 'revoke-user': 'all_sessions' } as const
    )[action];
    return suspicion({ userId }, { cause: 'unusual_activity', rule, sessionId, ended, source });
  },
  'login.locked': ({ email, userId, reason, source }) => {
    // The other limits concern an address with too many requests, whatever the account.
    if (reason !== 'failure_limit' || (userId === null && email === null)) return null;
    const recipient = userId === null ? { email: email ?? '' } : { userId };
    return suspicion(recipient, { cause: 'password_guessed', sessionId: null, ended: 'nothing', source });
  },
  'password.changed': ({ userId, source }) => notice({ userId }, { kind: 'password_changed', source }),
  'password.reset': ({ userId, source }) => notice({ userId }, { kind: 'password_changed', source }),
} satisfies { [Name in AuthEventName]?: (payload: AuthEvents[Name]) => Notice | null };

/** Events that users get mail about. */
export type NotifiedEvent = keyof typeof notices;

/** The notice for an event (OWASP ASVS 6.3.5, 6.3.7); null if the user need not know. */
export const NOTICES: { readonly [Name in NotifiedEvent]: (payload: AuthEvents[Name]) => Notice | null } =
  notices;

function notice(recipient: MailRecipient, event: NotificationEvent): Notice {
  return { recipient, event };
}

function suspicion(
  recipient: MailRecipient,
  facts: Omit<SuspiciousActivity, 'kind' | 'rule'> & { readonly rule?: string },
): Notice {
  return { recipient, event: { kind: 'suspicious_activity', rule: null, ...facts } };
}

/**
 * How long one message suppresses similar ones; 0 if it does not. Password guessing can go on for weeks and must not fill
 * a mailbox. Every password change is mailed (ASVS 6.3.7): the first may be the user's, and the second a thief's.
 */
export function silenceMs(event: NotificationEvent): number {
  if (event.kind === 'password_changed') return 0;
  return event.kind === 'suspicious_activity' && event.cause === 'password_guessed' ? DAY_MS : HOUR_MS;
}

/** A key that is equal for messages with the same content to the same user. */
export function noticeKey({ recipient, event }: Notice): string {
  const about = 'sessionId' in event ? event.sessionId : null;
  const cause = event.kind === 'suspicious_activity' ? event.cause : null;
  return keyOf(recipient, event.kind, cause, about);
}

/** Keys of the messages that this one covers: an unusual login needs no second message about a new device. */
export function coveredBy(notice: Notice): string[] {
  const { recipient, event } = notice;
  const isUnusual = event.kind === 'suspicious_activity' && event.cause === 'unusual_activity';
  const implied = isUnusual ? [keyOf(recipient, 'new_device', null, event.sessionId)] : [];
  return [noticeKey(notice), ...implied];
}

function keyOf(
  recipient: MailRecipient,
  kind: NotificationEvent['kind'],
  cause: SuspicionCause | null,
  about: string | null,
): string {
  return JSON.stringify([recipient, kind, cause, about]);
}

/** A key that is equal for messages of one kind to one user, whatever their sessions and causes. */
export function noticeKind({ recipient, event }: Notice): string {
  return JSON.stringify([recipient, event.kind]);
}
