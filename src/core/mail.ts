import type { EventDevice, EventSource } from './events.js';

/** Fields of every message. */
interface MailTo {
  /** Id of the message, the same at each attempt to send it, so a mail server can recognise duplicates. */
  readonly id: string;
  /** The user's stored e-mail address. */
  readonly to: string;
  /** As the user typed it: escape it, and never put it into headers. */
  readonly name: string | null;
  readonly userId: string;
  /** When it happened. */
  readonly at: Date;
}

/** A login on a device that the account does not know. */
interface NewDevice {
  readonly kind: 'new_device';
  /** The session that began; the user can end it. */
  readonly sessionId: string;
  /** As the client described it. */
  readonly device: EventDevice;
  readonly source: EventSource;
}

/** Why it may not have been the user. */
export type SuspicionCause =
  /** A refresh token that had been replaced: someone holds a copy of it. */
  | 'token_reused'
  /** A session was used from another browser than the one it began in, and refused. */
  | 'other_browser'
  /** An anomaly rule, named by `rule`. */
  | 'unusual_activity'
  /** Too many wrong passwords: further attempts are refused. */
  | 'password_guessed';

export interface SuspiciousActivity {
  readonly kind: 'suspicious_activity';
  readonly cause: SuspicionCause;
  /** With `unusual_activity`; otherwise null. */
  readonly rule: string | null;
  /** Null if no session was touched. */
  readonly sessionId: string | null;
  /** What ended because of it. */
  readonly ended: 'nothing' | 'session' | 'all_sessions';
  /** Who caused it: perhaps an attacker, who can send any user agent. */
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
   * Sets a new password, once. Put it after the `#` of a link to your page, so that it reaches no server and no other site,
   * and let the page post it to `reset-password` after a click, because mail scanners open links too. Never log it.
   */
  readonly token: string;
  readonly expiresAt: Date;
  readonly source: EventSource;
}

/** Somebody registered with the address, or logged in before it was verified. */
interface EmailVerification {
  readonly kind: 'email_verification';
  /** Like the token of `password_reset`, for `verify-email`. */
  readonly token: string;
  readonly expiresAt: Date;
  readonly source: EventSource;
}

/** Sent to the new address that the user asked for. */
interface EmailChange {
  readonly kind: 'email_change';
  /** Like the token of `email_verification`: for `verify-email`, which makes it the user's address. */
  readonly token: string;
  readonly expiresAt: Date;
  readonly source: EventSource;
}

/** The same request, sent to the current address: its owner may not have made the request. */
interface EmailChangeRequested {
  readonly kind: 'email_change_requested';
  readonly source: EventSource;
}

/** Somebody registered with, or wants to change to, an address that has an account; the HTTP answer did not reveal that. */
interface EmailTaken {
  readonly kind: 'email_taken';
  readonly source: EventSource;
}

/** What a message says, before the user is looked up. */
export type NotificationEvent =
  | NewDevice
  | SuspiciousActivity
  | PasswordChanged
  | PasswordReset
  | EmailVerification
  | EmailChange
  | EmailChangeRequested
  | EmailTaken;

/** A message and its recipient; the mailer writes the text. */
export type MailMessage = MailTo & NotificationEvent;

/** The user: by id, or by normalised address if no id is known. */
export type MailRecipient = { readonly userId: string } | { readonly email: string };

export interface Notice {
  readonly recipient: MailRecipient;
  readonly event: NotificationEvent;
}

/** Thrown by a mailer if a message will never be accepted (SMTP 5xx). After any other error, sending is retried for some minutes. */
export class MailRefusedError extends Error {
  override readonly name = 'MailRefusedError';
}
