import type { AuthEventName, AuthEvents } from '../core/events.js';
import { DAY_MS, HOUR_MS } from '../core/limits.js';
import type { Happening, MailRecipient, Notice, SuspicionCause, SuspiciousActivity } from '../core/mail.js';

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
  // One that was let through is only a hint for the operator: a browser's language changes, too.
  'fingerprint.mismatched': ({ userId, sessionId, refused, source }) =>
    refused ? suspicion({ userId }, { cause: 'other_browser', sessionId, ended: 'session', source }) : null,
  'activity.suspected': ({ userId, sessionId, rule, action, source }) => {
    const ended = (
      { report: 'nothing', 'revoke-session': 'session', 'revoke-user': 'all_sessions' } as const
    )[action];
    return suspicion({ userId }, { cause: 'unusual_activity', rule, sessionId, ended, source });
  },
  'login.locked': ({ email, userId, reason, source }) => {
    // The other limits are about an address that asks too often, for any account.
    if (reason !== 'failure_limit' || (userId === null && email === null)) return null;
    const recipient = userId === null ? { email: email ?? '' } : { userId };
    return suspicion(recipient, { cause: 'password_guessed', sessionId: null, ended: 'nothing', source });
  },
  'password.changed': ({ userId, source }) => notice({ userId }, { kind: 'password_changed', source }),
  'password.reset': ({ userId, source }) => notice({ userId }, { kind: 'password_changed', source }),
} satisfies { [Name in AuthEventName]?: (payload: AuthEvents[Name]) => Notice | null };

/** Events that a user gets mail about. */
export type NotifiedEvent = keyof typeof notices;

/** The notice of an event (OWASP ASVS 6.3.5, 6.3.7); null where it is no news for the user. */
export const NOTICES: { readonly [Name in NotifiedEvent]: (payload: AuthEvents[Name]) => Notice | null } =
  notices;

function notice(recipient: MailRecipient, happening: Happening): Notice {
  return { recipient, happening };
}

function suspicion(
  recipient: MailRecipient,
  facts: Omit<SuspiciousActivity, 'kind' | 'rule'> & { readonly rule?: string },
): Notice {
  return { recipient, happening: { kind: 'suspicious_activity', rule: null, ...facts } };
}

/**
 * How long one message suppresses others like it; 0: it does not. Guesses at a password go on for weeks, and must not fill a
 * mailbox. Each change of a password is mailed (ASVS 6.3.7): the first may be the user's, and the second a thief's.
 */
export function silenceMs(happening: Happening): number {
  if (happening.kind === 'password_changed') return 0;
  return happening.kind === 'suspicious_activity' && happening.cause === 'password_guessed'
    ? DAY_MS
    : HOUR_MS;
}

/** The same for messages that say the same to the same user. */
export function noticeKey({ recipient, happening }: Notice): string {
  const about = 'sessionId' in happening ? happening.sessionId : null;
  const cause = happening.kind === 'suspicious_activity' ? happening.cause : null;
  return keyOf(recipient, happening.kind, cause, about);
}

/** Keys of the messages that this one makes unnecessary: an unusual login needs no second message about a new device. */
export function toldBy(notice: Notice): string[] {
  const { recipient, happening } = notice;
  const isUnusual = happening.kind === 'suspicious_activity' && happening.cause === 'unusual_activity';
  const implied = isUnusual ? [keyOf(recipient, 'new_device', null, happening.sessionId)] : [];
  return [noticeKey(notice), ...implied];
}

function keyOf(
  recipient: MailRecipient,
  kind: Happening['kind'],
  cause: SuspicionCause | null,
  about: string | null,
): string {
  return JSON.stringify([recipient, kind, cause, about]);
}

/** Messages of one kind to one user, whatever their sessions and causes. */
export function noticeKind({ recipient, happening }: Notice): string {
  return JSON.stringify([recipient, happening.kind]);
}
