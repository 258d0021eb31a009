import type { EventDevice, EventSource } from './events.js';

/** What every message has. */
interface MailTo {
  /** Of the message: the same at each attempt to send it, so that a mail server can recognise a repetition. */
  readonly id: string;
  /** The user's e-mail address, as it is stored. */
  readonly to: string;
  /** As the user typed it: escape it, and put no line of it into a header. */
  readonly name: string | null;
  readonly userId: string;
  /** When it happened. */
  readonly at: Date;
}

/** A login on a device that the account does not know. */
interface NewDevice {
  readonly kind: 'new_device';
  /** Of the session that began: the user can end it. */
  readonly sessionId: string;
  /** In the client's own words. */
  readonly device: EventDevice;
  readonly source: EventSource;
}

/** What looks as if it was not the user. */
export type SuspicionCause =
  /** A refresh token that had been replaced: someone holds a copy of it. */
  | 'token_reused'
  /** A session was used from another browser than the one it began in, and refused. */
  | 'other_browser'
  /** An anomaly rule, named by `rule`. */
  | 'unusual_activity'
  /** So many wrong passwords that more are refused. */
  | 'password_guessed';

interface SuspiciousActivity {
  readonly kind: 'suspicious_activity';
  readonly cause: SuspicionCause;
  /** Of `unusual_activity`; else null. */
  readonly rule: string | null;
  /** Null where no session was touched. */
  readonly sessionId: string | null;
  /** What was ended because of it. */
  readonly ended: 'nothing' | 'session' | 'all_sessions';
  /** Who did it: perhaps a stranger, whose user agent is whatever he likes. */
  readonly source: EventSource;
}

interface PasswordChanged {
  readonly kind: 'password_changed';
  readonly source: EventSource;
}

/** Somebody, perhaps the user, asked for a way to set a new password. */
interface PasswordReset {
  readonly kind: 'password_reset';
  /**
   * Whoever has it can set a new password, once. Put it behind the `#` of a link to a page of yours, from where no server
   * and no other site gets it, and let the page post it to `reset-password` after a click: programs open links, too. Log it
   * nowhere.
   */
  readonly token: string;
  readonly expiresAt: Date;
  readonly source: EventSource;
}

/** Somebody registered with the address, or logged in before it was verified. */
interface EmailVerification {
  readonly kind: 'email_verification';
  /** As that of `password_reset`; for `verify-email`. */
  readonly token: string;
  readonly expiresAt: Date;
  readonly source: EventSource;
}

/** Somebody registered with an address that has an account: he was told what everybody is told. */
interface EmailTaken {
  readonly kind: 'email_taken';
  readonly source: EventSource;
}

/** What happened, before anybody was looked up. */
export type Happening =
  NewDevice | SuspiciousActivity | PasswordChanged | PasswordReset | EmailVerification | EmailTaken;

/** What happened and whom to tell: the words are the mailer's. */
export type MailMessage = MailTo & Happening;

/** Which user a notice is for: by id, or by a normalised address where none is known. */
export type MailRecipient = { readonly userId: string } | { readonly email: string };

export interface Notice {
  readonly recipient: MailRecipient;
  readonly happening: Happening;
}

/**
 * A mailer throws this where a message will never be taken (SMTP 5xx): it is not tried again. Anything else that a mailer
 * throws is tried again for some minutes.
 */
export class MailRefusedError extends Error {
  override readonly name = 'MailRefusedError';
}
