import type { CustomClaims } from '../../../core/custom-claims.js';
import { MINUTE_MS } from '../../../core/limits.js';
import type { UserRecord } from '../../../core/ports.js';
import type { Transport } from '../../../core/refresh-token.js';
import type { RefreshSession } from '../../../core/refresh-token.store.js';
import { usedAgent } from '../../../tokens/recent-use.js';
import type { OpenSession } from '../../../tokens/session-opener.js';
import type { AccessTokenScheme, SignedAccessToken, SignedToken } from '../../../tokens/token-signer.js';

/** A user as every answer shows them. */
export interface UserAnswer {
  readonly id: string;
  readonly email: string;
  readonly name?: string | undefined;
  readonly roles: readonly string[];
  /** The host's own claims in the access token; absent where it has none. */
  readonly claims?: CustomClaims;
}

/** A user as they see themselves. */
export interface ProfileAnswer extends UserAnswer {
  readonly createdAt: Date;
  /** The administrator who acts for them with this token; absent for the user themselves. */
  readonly actor?: { readonly id: string };
}

/** An access token for a session whose refresh token stays as it is. `AuthHttp.answer` makes an answer of it. */
export interface AccessGrant {
  readonly user: UserAnswer;
  readonly session: {
    readonly id: string;
    readonly generation: number;
    readonly expiresAt: Date;
    readonly transport: Transport;
    /** Thumbprint of the key that the session is bound to; null: none. */
    readonly jkt: string | null;
    /** False: its cookies end with the browser. */
    readonly isRemembered: boolean;
  };
  readonly accessToken: SignedAccessToken;
}

/**
 * A user's tokens for one session, as `AuthService` returns them. Not an answer: it holds the refresh token in either
 * transport. `AuthHttp.answer` makes an answer of it.
 */
export interface TokenGrant extends AccessGrant {
  readonly refreshToken: SignedToken;
}

/** A password that was set by a link, for `AuthHttp.trustDevice`. Not an answer: token versions are for the server only. */
export interface PasswordReset {
  readonly email: string;
  /** The user's present one. */
  readonly tokenVersion: string;
}

/** Answer of register, login, refresh, change-password and reauthenticate. */
export interface TokenAnswer {
  readonly accessToken: string;
  /** `DPoP` where the access token is bound to a key (RFC 9449 §5). */
  readonly tokenType: AccessTokenScheme;
  /** Seconds. */
  readonly expiresIn: number;
  readonly user: UserAnswer;
  readonly session: { readonly id: string; readonly generation: number; readonly expiresAt: Date };
  /** Body transport only, and not after a reauthentication: there it stays as it is. */
  readonly refreshToken?: string;
  /** Seconds; with `refreshToken` only. */
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

/** What a session grants beside its refresh token. */
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

/** The body holds the refresh token only in body transport, whatever the request says. */
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
  // The latest use tells where the session is now; the device tells where it began.
  const latest = session.recentUses.at(-1) ?? session.device;
  return {
    id: session.id,
    current: isCurrent,
    ...(deviceName === null ? {} : { deviceName }),
    ...(appId === null ? {} : { appId }),
    // Uses remember less of it: where it is still the one of the beginning, that one is whole.
    userAgent: latest.userAgent === usedAgent(userAgent) ? userAgent : latest.userAgent,
    ip: latest.ip,
    createdAt: session.createdAt,
    lastUsedAt: isCurrent ? wholeMinutes(session.lastUsedAt) : session.lastUsedAt,
    expiresAt: session.expiresAt,
  };
}

/** Of the session that asks: to the second, it would tell who copied an access token when its owner refreshes. */
function wholeMinutes(time: Date): Date {
  return new Date(Math.floor(time.getTime() / MINUTE_MS) * MINUTE_MS);
}
