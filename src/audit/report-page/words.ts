import type { AuthEventName, AuthEvents, RefusalReason } from '../../core/events.js';
import type { ReuseEvidence, RevocationReason } from '../../core/rotation.js';

/** Each type of event in words: a new one breaks the build here until it has some. */
const EVENTS: Readonly<Record<AuthEventName, string>> = {
  'user.registered': 'Registrations',
  'user.logged_in': 'Logins',
  'device.first_seen': 'Logins on new devices',
  'login.failed': 'Failed logins',
  'login.locked': 'Attempts refused: too many',
  'user.logged_out': 'Logouts',
  'user.disabled': 'Users disabled',
  'user.enabled': 'Users enabled',
  'records.viewed': 'Looks of administrators at records',
  'access.denied': 'Requests beyond a user’s roles',
  'refresh_token.rotated': 'Sessions refreshed',
  'refresh_token.replayed': 'Races and retries forgiven',
  'refresh_token.recovered': 'Lost answers made good',
  'refresh_token.restored': 'Sessions that the database had forgotten',
  'refresh_token.reuse_detected': 'Stolen tokens caught',
  'refresh_token.refused': 'Refreshes refused',
  'session.revoked': 'Sessions ended',
  'session.evicted': 'Sessions ended for newer ones',
  'fingerprint.mismatched': 'Tokens from another browser',
  'activity.suspected': 'Odd activity',
  'password.changed': 'Passwords changed',
  'password.reset_requested': 'Links for a new password asked for',
  'password.reset': 'Passwords set by a link',
  'email.verified': 'Addresses verified',
  'access_token.revoked': 'Access tokens revoked by services',
  'client.refused': 'Services refused',
  'key.retired': 'Keys retired',
};

const CLASSIFICATIONS: Readonly<Record<ReuseEvidence, string>> = {
  successor_confirmed: 'Its successor was already in use, so somebody else held the old token.',
  successor_replaced: 'Its successor had itself been replaced, which takes a holder of both.',
  beyond_memory: 'It was far older than any token that a race or a retry could bring.',
  fingerprint_differs: 'It came from another browser than the one that could have lost the answer.',
  lost_response_window_elapsed: 'It came too late to be the retry of a lost answer.',
};

type Reason =
  | AuthEvents['login.failed']['reason']
  | AuthEvents['login.locked']['reason']
  | AuthEvents['client.refused']['reason']
  | RefusalReason
  | RevocationReason;

/** Of the closed lists; here too a new one breaks the build. */
const REASONS: Readonly<Record<Reason, string>> = {
  unknown_user: 'no such user',
  wrong_password: 'wrong password',
  wrong_current_password: 'wrong password at a change of password',
  disabled: 'the user is disabled',
  email_not_verified: 'the address is not verified yet',
  failure_limit: 'too many wrong passwords for an account',
  login_limit: 'too many logins from an address',
  refresh_limit: 'too many refreshes from an address',
  unknown_client: 'no such client',
  wrong_secret: 'wrong secret of a client',
  client_limit: 'too many wrong secrets for a client',
  session_unknown: 'no such session any more',
  session_expired: 'the session had expired',
  session_revoked: 'the session had been ended',
  contended: 'a race that others kept winning',
  logged_out: 'logged out',
  logged_out_everywhere: 'logged out everywhere',
  ended_by_user: 'ended by the user',
  ended_by_administrator: 'ended by an administrator',
  reuse_detected: 'a stolen token was used',
  replaced: 'replaced by a new login',
  password_changed: 'the password was changed',
  evicted: 'a newer session took its place',
  user_disabled: 'the user was disabled',
  token_version_retired: 'tokens of that version were retired',
  fingerprint_mismatched: 'a token came from another browser',
  suspicious_activity: 'odd activity',
  revoked_by_client: 'a service revoked it',
  revocation_completed: 'its access tokens had been revoked',
};

/** The rules that the library brings. */
const RULES: Readonly<Record<string, string>> = {
  unfamiliar_client: 'unfamiliar network and browser at once',
  scattered_logins: 'logins from many networks at once',
  excessive_refreshes: 'far too many refreshes',
  login_after_failures: 'a login after many wrong passwords',
  repeated_recovery: 'a lost answer asked for again and again',
};

export const eventWords = (type: AuthEventName): string => wordsOf(EVENTS, type) ?? type;

/** Of a reuse; a classification that has no words here stands for itself. */
export const classificationWords = (name: string): string => wordsOf(CLASSIFICATIONS, name) ?? name;

const ALL_REASONS: Readonly<Record<string, string>> = { ...REASONS, ...RULES, ...CLASSIFICATIONS };

/** Reasons that have words of their own. */
export const KNOWN_REASONS: readonly string[] = Object.keys(ALL_REASONS);

/** Of an event's reason. The name of a rule that the host brought is put into words letter by letter. */
export const reasonWords = (reason: string): string =>
  wordsOf(ALL_REASONS, reason) ?? reason.replaceAll('_', ' ');

/** A name may be anything, `constructor` too. */
function wordsOf(words: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(words, name) ? words[name] : undefined;
}
