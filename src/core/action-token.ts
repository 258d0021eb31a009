import { createHash } from 'node:crypto';

/** What a token that went out by mail is good for. */
export type ActionKind = 'password_reset' | 'email_verification';

/** A reset code lives for ten minutes at most (OWASP ASVS 6.5.5). */
export const ACTION_TTL_MS: Readonly<Record<ActionKind, number>> = {
  password_reset: 10 * 60_000,
  email_verification: 24 * 3_600_000,
};

/** A token that went out by mail, as it is kept: who reads the database has nothing to present. */
export interface ActionToken {
  /** SHA-256 of the token, base64url. */
  readonly hash: string;
  readonly kind: ActionKind;
  readonly userId: string;
  /** What must still be so when it is presented: the address that it went to, and of a reset the token version as well. */
  readonly binding: string;
  readonly expiresAt: Date;
}

const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** Whether a text has the form of a token: 32 bytes in base64url. */
export function isActionToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether a stored token is good for an action now. */
export function isGoodFor(token: ActionToken, kind: ActionKind, now: Date): boolean {
  return token.kind === kind && token.expiresAt > now;
}

/**
 * The token version that a user has once a link has set his password, and under no other circumstances: by it the link is
 * known again where the answer to its first use was lost. As random as the token itself for everybody who does not hold it.
 */
export function tokenVersionAfter({ hash }: Pick<ActionToken, 'hash'>): string {
  return createHash('sha256').update(`token-version.${hash}`).digest('base64url').slice(0, 16);
}
