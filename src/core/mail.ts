import type { EventDevice, EventSource } from './events.js';

/** What every message has. */
interface MailTo {
  /** Of the message: the same at each attempt to send it, so that a mail server can recognise a duplicate. */
  readonly id: string;
  /** The user's e-mail address, as it is stored. */
  readonly to: string;
  /** As the user typed it: escape it, and keep it out of headers. */
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
  /** So many wrong passwords that more are refused. */
  | 'password_guessed';

export interface SuspiciousActivity {
  readonly kind: 'suspicious_activity';
  readonly cause: SuspicionCause;
  /** With `unusual_activity`; otherwise null. */
  readonly rule: string | null;
  /** Null where no session was touched. */
  readonly sessionId: string | null;
  /** What ended because of it. */
  readonly ended: 'nothing' | 'session' | 'all_sessions';
  /** Who did it: perhaps a stranger, who can send any user agent. */
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
   * It sets a new password, once. Put it behind the `#` of a link to a page of yours, so that it reaches no server and no
   * other site, and let the page post it to `reset-password` after a click: programs open links, too. Never log it.
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

/** The user asked for another address; this message goes to it. */
interface EmailChange {
  readonly kind: 'email_change';
  /** Like the token of `email_verification`: for `verify-email`, which makes it the user's address. */
  readonly token: string;
  readonly expiresAt: Date;
  readonly source: EventSource;
}

/** The same, to the present address: its owner may know nothing of it. */
interface EmailChangeRequested {
  readonly kind: 'email_change_requested';
  readonly source: EventSource;
}

/** Somebody registered with an address that has an account, or wants to change to it; the answer was the usual one. */
interface EmailTaken {
  readonly kind: 'email_taken';
  readonly source: EventSource;
}

/** What happened, before the user is looked up. */
export type NotificationEvent =
  | NewDevice
  | SuspiciousActivity
  | PasswordChanged
  | PasswordReset
  | EmailVerification
  | EmailChange
  | EmailChangeRequested
  | EmailTaken;

/** What happened, and the recipient; the mailer chooses the words. */
export type MailMessage = MailTo & NotificationEvent;

/** The user: by id, or by a normalised address where no id is known. */
export type MailRecipient = { readonly userId: string } | { readonly email: string };

export interface Notice {
  readonly recipient: MailRecipient;
  readonly event: NotificationEvent;
}

/** A mailer throws this if a message will never be accepted (SMTP 5xx). After any other error it is retried for some minutes. */
export class MailRefusedError extends Error {
  override readonly name = 'MailRefusedError';
}
