import type { UserEvent } from './user-event.js';

/** What happened once; the report counts, so its words are in the plural. */
const EVENTS: Readonly<Record<string, string>> = {
  'user.registered': 'Registered',
  'user.logged_in': 'Logged in',
  'device.first_seen': 'Logged in on a new device',
  'login.failed': 'A login failed',
  'login.locked': 'An attempt was refused: too many',
  'user.logged_out': 'Logged out',
  'user.disabled': 'The user was disabled',
  'user.enabled': 'The user was enabled',
  'records.viewed': 'An administrator looked at these records',
  'access.denied': 'A request went beyond the user’s roles',
  'refresh_token.rotated': 'A session was refreshed',
  'refresh_token.replayed': 'A race or a retry was forgiven',
  'refresh_token.recovered': 'A lost answer was made good',
  'refresh_token.restored': 'A session came that the database had forgotten',
  'refresh_token.reuse_detected': 'A stolen token was caught',
  'refresh_token.refused': 'A refresh was refused',
  'session.revoked': 'A session was ended',
  'session.evicted': 'A session was ended for a newer one',
  'fingerprint.mismatched': 'A token came from another browser',
  'activity.suspected': 'Odd activity',
  'password.changed': 'The password was changed',
  'password.reset_requested': 'A link for a new password was asked for',
  'password.reset': 'The password was set by a link',
  'email.verified': 'The address was verified',
  'access_token.revoked': 'A service revoked an access token',
  'client.refused': 'A service was refused',
  'key.retired': 'A key was retired',
};

/** The report's own words, which are out of reach of a page that imports what an adopter could; a test holds them alike. */
const REASONS: Readonly<Record<string, string>> = {
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
  unfamiliar_client: 'unfamiliar network and browser at once',
  scattered_logins: 'logins from many networks at once',
  excessive_refreshes: 'far too many refreshes',
  login_after_failures: 'a login after many wrong passwords',
  repeated_recovery: 'a lost answer asked for again and again',
  successor_confirmed: 'Its successor was already in use, so somebody else held the old token.',
  successor_replaced: 'Its successor had itself been replaced, which takes a holder of both.',
  beyond_memory: 'It was far older than any token that a race or a retry could bring.',
  fingerprint_differs: 'It came from another browser than the one that could have lost the answer.',
  lost_response_window_elapsed: 'It came too late to be the retry of a lost answer.',
};

export function eventWords({ type, by, evidence }: Pick<UserEvent, 'type' | 'by' | 'evidence'>): string {
  if (type === 'user.logged_out' && evidence?.everywhere === true)
    return by === undefined ? 'Logged out everywhere' : 'All sessions were ended';
  return of(EVENTS, type) ?? type;
}

/** Of a rule that the host brought, its name; null where there is no reason. */
export const reasonWords = (reason: string | undefined): string | null =>
  reason === undefined ? null : (of(REASONS, reason) ?? reason.replaceAll('_', ' '));

/** A name may be anything, `constructor` too. */
const of = (words: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(words, name) ? words[name] : undefined;
