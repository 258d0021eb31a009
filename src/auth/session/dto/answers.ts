import type { CustomClaims } from '../../../core/custom-claims.js';
import { MINUTE_MS } from '../../../core/limits.js';
import type { UserRecord } from '../../../core/ports.js';
import type { Transport } from '../../../core/refresh-token.js';
import type { RefreshSession } from '../../../core/refresh-token.store.js';
import { usedAgent } from '../../../tokens/recent-use.js';
import type { OpenSession } from '../../../tokens/session-opener.js';
import type { AccessTokenScheme, SignedAccessToken, SignedToken } from '../../../tokens/token-signer.js';

/** A user in responses. */
export interface UserAnswer {
  readonly id: string;
  readonly email: string;
  readonly name?: string | undefined;
  readonly roles: readonly string[];
  /** The host's own claims in the access token; absent if it has none. */
  readonly claims?: CustomClaims;
}

/** The response of `GET /auth/me`. */
export interface ProfileAnswer extends UserAnswer {
  readonly createdAt: Date;
  /** The administrator who acts for the user with this token; absent if the users act for themselves. */
  readonly actor?: { readonly id: string };
}

/** An access token for a session whose refresh token does not change. `AuthHttp.answer` turns it into a response. */
export interface AccessGrant {
  readonly user: UserAnswer;
  readonly session: {
    readonly id: string;
    readonly generation: number;
    readonly expiresAt: Date;
    readonly transport: Transport;
    /** Thumbprint of the key that the session is bound to; null if there is none. */
    readonly jkt: string | null;
    /** False if its cookies end when the browser closes. */
    readonly isRemembered: boolean;
  };
  readonly accessToken: SignedAccessToken;
}

/**
 * A user's tokens for one session, as `AuthService` returns them. Do not send it as a response: it contains the refresh token
 * in both transports. `AuthHttp.answer` turns it into a response.
 */
export interface TokenGrant extends AccessGrant {
  readonly refreshToken: SignedToken;
}

/** The result of a password reset, for `AuthHttp.trustDevice`. Do not send it to clients: token versions are internal. */
export interface PasswordReset {
  readonly email: string;
  /** The user's current token version. */
  readonly tokenVersion: string;
}

/** The response of register, login, refresh, change-password and reauthenticate. */
export interface TokenAnswer {
  readonly accessToken: string;
  /** `DPoP` if the access token is bound to a key (RFC 9449 §5). */
  readonly tokenType: AccessTokenScheme;
  /** Seconds. */
  readonly expiresIn: number;
  readonly user: UserAnswer;
  readonly session: { readonly id: string; readonly generation: number; readonly expiresAt: Date };
  /** Only with body transport, and not after a reauthentication, which keeps the refresh token. */
  readonly refreshToken?: string;
  /** Seconds; only with `refreshToken`. */
  readonly refreshExpiresIn?: number;
}

/** One of a user's live sessions. */
export interface SessionAnswer {
  readonly id: string;
  /** Whether the request came from this session. */
  readonly current: boolean;
  readonly deviceName?: string | undefined;
  readonly appId?: string | undefined;
  readonly userAgent: string | null;
  readonly ip: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
}

export function userAnswer({ id, email, name, roles }: UserRecord, claims: CustomClaims = {}): UserAnswer {
  const hasClaims = Object.keys(claims).length > 0;
  return { id, email, ...(name === undefined ? {} : { name }), roles, ...(hasClaims ? { claims } : {}) };
}

/** The part of a grant without the refresh token. */
export function accessGrant(
  { user, session, custom }: Pick<OpenSession, 'user' | 'session' | 'custom'>,
  accessToken: SignedAccessToken,
): AccessGrant {
  const { id, generation, expiresAt, transport, jkt, remember } = session;
  return {
    user: userAnswer(user, custom),
    session: { id, generation, expiresAt, transport, jkt, isRemembered: remember !== false },
    accessToken,
  };
}

/** The body contains the refresh token only if the session has body transport, whatever the request says. */
export function tokenAnswer({ user, session, accessToken, ...rest }: AccessGrant | TokenGrant): TokenAnswer {
  const { id, generation, expiresAt, transport } = session;
  const refreshToken = 'refreshToken' in rest && transport === 'body' ? rest.refreshToken : null;
  return {
    accessToken: accessToken.token,
    tokenType: accessToken.scheme,
    expiresIn: accessToken.expiresIn,
    user,
    session: { id, generation, expiresAt },
    ...(refreshToken ? { refreshToken: refreshToken.token, refreshExpiresIn: refreshToken.expiresIn } : {}),
  };
}

export function sessionAnswer(session: RefreshSession, currentId: string | null): SessionAnswer {
  const isCurrent = session.id === currentId;
  const { deviceName, appId, userAgent } = session.device;
  // The latest use says where the session is now; the device says where it began.
  const latest = session.recentUses.at(-1) ?? session.device;
  return {
    id: session.id,
    current: isCurrent,
    ...(deviceName === null ? {} : { deviceName }),
    ...(appId === null ? {} : { appId }),
    // Uses store a shortened user agent. If it did not change since the login, show the full one.
    userAgent: latest.userAgent === usedAgent(userAgent) ? userAgent : latest.userAgent,
    ip: latest.ip,
    createdAt: session.createdAt,
    lastUsedAt: isCurrent ? wholeMinutes(session.lastUsedAt) : session.lastUsedAt,
    expiresAt: session.expiresAt,
  };
}

/** Rounded for the current session: exact seconds would show a thief of an access token when the owner refreshes. */
function wholeMinutes(time: Date): Date {
  return new Date(Math.floor(time.getTime() / MINUTE_MS) * MINUTE_MS);
}
