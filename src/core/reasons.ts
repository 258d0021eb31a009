/*
 * Every reason that an event can have, and the words for it in the report and on the pages. The keys are also the labels of
 * the metrics. This file has no imports, so that a page can bundle it.
 */

/** Why a login failed. */
export type LoginFailure =
  | 'unknown_user'
  | 'wrong_password'
  /** The user logs in by other means than a password. */
  | 'no_password'
  /** The password was right. */
  | 'disabled'
  /** The password was right. */
  | 'email_not_verified'
  /** A logged-in user gave a wrong password: to change password or address, delete the account, or reauthenticate. */
  | 'wrong_current_password';

export const LOGIN_FAILURES: Readonly<Record<LoginFailure, string>> = {
  unknown_user: 'no such user',
  wrong_password: 'wrong password',
  no_password: 'the user has no password',
  disabled: 'the user is disabled',
  email_not_verified: 'the address is not verified yet',
  wrong_current_password: 'wrong password of a user who was logged in',
};

/** Which limit refused an attempt, before any password or token was checked. */
export type ExceededLimit =
  /** Wrong passwords for one account. */
  | 'failure_limit'
  /** Logins from one address, for any account. */
  | 'login_limit'
  | 'refresh_limit';

export const EXCEEDED_LIMITS: Readonly<Record<ExceededLimit, string>> = {
  failure_limit: 'too many wrong passwords for an account',
  login_limit: 'too many logins from an address',
  refresh_limit: 'too many refreshes from an address',
};

/** Why an OAuth client was refused. */
export type ClientRefusal =
  | 'unknown_client'
  | 'wrong_secret'
  /** Refused with 429, before the secret was checked. */
  | 'client_limit';

export const CLIENT_REFUSALS: Readonly<Record<ClientRefusal, string>> = {
  unknown_client: 'no such client',
  wrong_secret: 'wrong secret of a client',
  client_limit: 'too many wrong secrets for a client',
};

/** Why a refresh was refused, other than a race, a lost response, a restored store or theft. */
export type RefusalReason =
  /** The store holds no such session: it ended long ago, or the store was restored or emptied. */
  | 'session_unknown'
  /** Unused for too long, or past its absolute expiry. */
  | 'session_expired'
  /** The session had ended before, or ended now, for the reason in `revokedReason`. */
  | 'session_revoked'
  /** An unresolved race: other requests with the same token kept winning (503; the next attempt succeeds). */
  | 'contended'
  /** The client closed the connection before the token was judged: nothing was done. */
  | 'client_gone'
  /** The process was just suspended or blocked, so the request may be old: 503 instead of a verdict of theft. */
  | 'process_stood_still';

export const REFRESH_REFUSALS: Readonly<Record<RefusalReason, string>> = {
  session_unknown: 'the session no longer exists',
  session_expired: 'the session had expired',
  session_revoked: 'the session had been ended',
  contended: 'a race that others kept winning',
  client_gone: 'the client had disconnected',
  process_stood_still: 'the server had been suspended or blocked for a moment',
};

/** Why a request counts as sent without the key of its session (RFC 9449 §4.3). */
export type ProofFailure =
  | 'proof_missing'
  /** There are several proofs, or one that is incomplete, too long or signed by a key that is not on P-256. */
  | 'proof_malformed'
  /** An algorithm other than ES256. */
  | 'proof_algorithm'
  | 'proof_signature'
  /** Signed by a key other than the session's. */
  | 'other_key'
  | 'other_method'
  /** For another service, or another route of this one. */
  | 'other_url'
  | 'other_access_token'
  /** Used before. */
  | 'proof_replayed'
  /** The session is bound to a device, and the request lacks the cookie that its browser gets for a proof. */
  | 'device_unproven'
  /** The same, but the browser reports that it could not prove itself just now (`Secure-Session-Skipped`). */
  | 'device_skipped';

export const PROOF_FAILURES: Readonly<Record<ProofFailure, string>> = {
  proof_missing: 'without a proof',
  proof_malformed: 'a proof that cannot be read',
  proof_algorithm: 'a proof by another algorithm',
  proof_signature: 'a proof whose signature is wrong',
  other_key: 'a proof by another key',
  other_method: 'a proof for another method',
  other_url: 'a proof for another URL',
  other_access_token: 'a proof for another access token',
  proof_replayed: 'a proof that was used before',
  device_unproven: 'from another device, or one that has lost its key',
  device_skipped: 'from a browser that could not prove its device just now',
};

/** Why a session was ended. */
export type RevocationReason =
  | 'logged_out'
  | 'logged_out_everywhere'
  | 'ended_by_user'
  | 'reuse_detected'
  | 'replaced'
  | 'password_changed'
  | 'evicted'
  | 'user_disabled'
  | 'user_deleted'
  | 'token_version_retired'
  | 'fingerprint_mismatched'
  | 'suspicious_activity'
  | 'ended_by_administrator'
  /** Through the revocation endpoint (RFC 7009). */
  | 'revoked_by_client'
  /** Its access tokens had been revoked by a process that stopped before it could end the session. */
  | 'revocation_completed';

export const REVOCATION_REASONS: Readonly<Record<RevocationReason, string>> = {
  logged_out: 'logged out',
  logged_out_everywhere: 'logged out everywhere',
  ended_by_user: 'ended by the user',
  reuse_detected: 'a stolen token was used',
  replaced: 'replaced by a new login',
  password_changed: 'the password was changed',
  evicted: 'a newer session took its place',
  user_disabled: 'the user was disabled',
  user_deleted: 'the user was deleted',
  token_version_retired: 'tokens of that version were retired',
  fingerprint_mismatched: 'a token came from another browser',
  suspicious_activity: 'odd activity',
  ended_by_administrator: 'ended by an administrator',
  revoked_by_client: 'a service revoked it',
  revocation_completed: 'its access tokens had been revoked',
};

/** Why an earlier token counts as stolen. */
export type ReuseEvidence =
  /** The token that replaced it was used: the answer had arrived, so somebody else presents the old token. */
  | 'successor_confirmed'
  /** The token that replaced it has itself been replaced, which requires a holder of both. */
  | 'successor_replaced'
  /** Older than all predecessors that the session remembers (`MAX_PREDECESSORS`). */
  | 'beyond_memory'
  /** Only the browser that lost a response may request it again. */
  | 'fingerprint_differs'
  /** A lost response may be requested again only within `refreshToken.lostResponseWindow`. */
  | 'lost_response_window_elapsed'
  /** Another attempt replaced it, and the resulting token is in use. */
  | 'other_attempt'
  /** A generation of another holder had already been taken back in favour of this token. */
  | 'displaced_twice'
  /** The session had abandoned it: no honest client received it. */
  | 'abandoned_presented';

export const REUSE_EVIDENCE: Readonly<Record<ReuseEvidence, string>> = {
  successor_confirmed: 'Its successor was already in use, so somebody else held the old token.',
  successor_replaced: 'Its successor had itself been replaced, which takes a holder of both.',
  beyond_memory: 'It was far older than any token that a race or a retry could bring.',
  fingerprint_differs: 'It came from another browser than the one that could have lost the response.',
  lost_response_window_elapsed: 'It came too late to be the retry of a lost response.',
  other_attempt: 'Another client had replaced it, and was using what it received.',
  displaced_twice: 'A second client held it: the session had been taken back from one before.',
  abandoned_presented: 'The session had taken it back, so no honest client held it.',
};

/** Why the store, not the client, counts as the cause. */
export type RestoredEvidence =
  /** The token is of a generation that the store has not reached. */
  | 'generation_ahead'
  /** The store has reached the token's generation with another secret. */
  | 'secret_differs'
  /** The seals of the session's predecessors do not lead to its current secret. */
  | 'seal_broken';

export const RESTORED_EVIDENCE: Readonly<Record<RestoredEvidence, string>> = {
  generation_ahead: 'a token of a generation that the database has not reached',
  secret_differs: 'a token with another secret than the database has',
  seal_broken: 'a session whose stored seals are broken',
};

/** The rules in `ANOMALY_RULES`; a host may add others. */
export const ANOMALIES: Readonly<Record<string, string>> = {
  unfamiliar_client: 'unfamiliar network and browser at once',
  scattered_logins: 'logins from many networks at once',
  excessive_refreshes: 'far too many refreshes',
  login_after_failures: 'a login after many wrong passwords',
  repeated_recovery: 'a lost response requested repeatedly',
  contested_token: 'one token used by two clients',
  one_token_two_networks: 'one token used from two networks repeatedly',
};

/** The words of every reason. */
export const REASONS: Readonly<Record<string, string>> = {
  ...LOGIN_FAILURES,
  ...EXCEEDED_LIMITS,
  ...CLIENT_REFUSALS,
  ...REFRESH_REFUSALS,
  ...PROOF_FAILURES,
  ...REVOCATION_REASONS,
  ...REUSE_EVIDENCE,
  ...RESTORED_EVIDENCE,
  ...ANOMALIES,
};

/** A reason in words. The rule name of a host can be anything: its underscores become spaces. */
export const reasonWords = (reason: string): string =>
  (Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined) ?? reason.replaceAll('_', ' ');
