import { createHash } from 'node:crypto';
import { DAY_MS, MINUTE_MS } from './limits.js';

/** What a token allows, once: the action behind a link in a mail, or the handshake of a socket. */
export type ActionKind = 'password_reset' | 'email_verification' | 'email_change' | 'ticket';

/** A reset code lives for ten minutes at most (OWASP ASVS 6.5.5). */
export const ACTION_TTL_MS: Readonly<Record<ActionKind, number>> = {
  password_reset: 10 * MINUTE_MS,
  email_verification: DAY_MS,
  email_change: DAY_MS,
  ticket: 30_000,
};

/** The stored form of a token: it holds only the hash, so reading the database gives nothing to present. */
export interface ActionToken {
  /** SHA-256 of the token, base64url. */
  readonly hash: string;
  readonly kind: ActionKind;
  readonly userId: string;
  /**
   * What must still be true when the token is presented: the e-mail address that it was sent to and, for a password reset,
   * the token version. For a ticket: the claims of the access token that it stands for.
   */
  readonly binding: string;
  readonly expiresAt: Date;
}

const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** Whether a text has the form of a token: 32 bytes in base64url. */
export function isActionToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether a stored token is valid for an action now. */
export function isGoodFor(token: ActionToken, kind: ActionKind, now: Date): boolean {
  return token.kind === kind && token.expiresAt > now;
}

/**
 * The token version of a user after a link has set the password. It shows that a link was already used for this, so a retry
 * after a lost answer is recognised. Without the token it is as unpredictable as a random version.
 */
export function tokenVersionAfter({ hash }: Pick<ActionToken, 'hash'>): string {
  return createHash('sha256').update(`token-version.${hash}`).digest('base64url').slice(0, 16);
}
