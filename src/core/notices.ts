import type { AuthEventName, AuthEvents } from './events.js';
import type { Happening, MailRecipient, Notice, SuspicionCause } from './mail.js';

const HOUR_MS = 3_600_000;

/** Events that a user is told of. */
export type NotifiedEvent = Extract<
  AuthEventName,
  | 'device.first_seen'
  | 'refresh_token.reuse_detected'
  | 'fingerprint.mismatched'
  | 'activity.suspected'
  | 'login.locked'
  | 'password.changed'
  | 'password.reset'
>;

/** What a user is told by mail (OWASP ASVS 6.3.5, 6.3.7); null where it is no news for him. */
export const NOTICES: { readonly [Name in NotifiedEvent]: (payload: AuthEvents[Name]) => Notice | null } = {
  'device.first_seen': ({ userId, sessionId, device, source }) =>
    notice({ userId }, { kind: 'new_device', sessionId, device, source }),
  'refresh_token.reuse_detected': ({ userId, sessionId, revoked, scope, source }) =>
    notice(
      { userId },
      {
        kind: 'suspicious_activity',
        cause: 'token_reused',
        rule: null,
        sessionId,
        ended: !revoked ? 'nothing' : scope === 'user' ? 'all_sessions' : 'session',
        source,
      },
    ),
  // One that was let through is no more than a hint for the operator: a browser's language changes, too.
  'fingerprint.mismatched': ({ userId, sessionId, refused, source }) =>
    refused
      ? notice(
          { userId },
          {
            kind: 'suspicious_activity',
            cause: 'other_browser',
            rule: null,
            sessionId,
            ended: 'session',
            source,
          },
        )
      : null,
  'activity.suspected': ({ userId, sessionId, rule, action, source }) =>
    notice(
      { userId },
      {
        kind: 'suspicious_activity',
        cause: 'unusual_activity',
        rule,
        sessionId,
        ended: action === 'report' ? 'nothing' : action === 'revoke-user' ? 'all_sessions' : 'session',
        source,
      },
    ),
  'login.locked': ({ email, userId, reason, source }) => {
    const recipient = userId !== null ? { userId } : email !== null ? { email } : null;
    // The other reasons are about an address that asks too often, whoever it asks for.
    if (recipient === null || reason !== 'failure_limit') return null;
    return notice(recipient, {
      kind: 'suspicious_activity',
      cause: 'password_guessed',
      rule: null,
      sessionId: null,
      ended: 'nothing',
      source,
    });
  },
  'password.changed': ({ userId, source }) => notice({ userId }, { kind: 'password_changed', source }),
  'password.reset': ({ userId, source }) => notice({ userId }, { kind: 'password_changed', source }),
};

function notice(recipient: MailRecipient, happening: Happening): Notice {
  return { recipient, happening };
}

/**
 * How long one message stands for others like it; 0: not at all. Guesses at a password go on for weeks, and nothing has
 * happened yet: a stranger must not be able to fill a mailbox by them. A changed password is told each time (ASVS 6.3.7):
 * perhaps the user changed his, and then a thief did.
 */
export function silenceMs(happening: Happening): number {
  if (happening.kind === 'password_changed') return 0;
  return happening.kind === 'suspicious_activity' && happening.cause === 'password_guessed'
    ? 24 * HOUR_MS
    : HOUR_MS;
}

/** Messages that say the same to the same user have the same key. */
export function noticeKey({ recipient, happening }: Notice): string {
  const about = 'sessionId' in happening ? happening.sessionId : null;
  const cause = happening.kind === 'suspicious_activity' ? happening.cause : null;
  return keyOf(recipient, happening.kind, cause, about);
}

/** Keys of all that need not be told after it: a login that was told as unusual is not told as one on a new device, too. */
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
