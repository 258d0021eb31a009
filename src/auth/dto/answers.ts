import { usedAgent } from '../../core/recent-use.js';
import type { UserRecord } from '../../core/ports.js';
import type { Transport } from '../../core/refresh-token.js';
import type { RefreshSession } from '../../tokens/refresh-token.store.js';
import type { SignedToken } from '../../tokens/token-signer.js';

/** A user as every answer shows him. */
export interface UserAnswer {
  readonly id: string;
  readonly email: string;
  readonly name?: string | undefined;
  readonly roles: readonly string[];
}

/** A user as he sees himself. */
export interface ProfileAnswer extends UserAnswer {
  readonly createdAt: Date;
}

/**
 * A user's tokens for one session, as `AuthService` gives them. Not an answer: it holds the refresh token in either
 * transport. `AuthHttp.answer` makes one of it.
 */
export interface TokenGrant {
  readonly user: UserAnswer;
  readonly session: {
    readonly id: string;
    readonly generation: number;
    readonly expiresAt: Date;
    readonly transport: Transport;
  };
  readonly accessToken: SignedToken;
  readonly refreshToken: SignedToken;
}

/** Answer of register, login, refresh and change-password. */
export interface TokenAnswer {
  readonly accessToken: string;
  readonly tokenType: 'Bearer';
  /** Seconds. */
  readonly expiresIn: number;
  readonly user: UserAnswer;
  readonly session: { readonly id: string; readonly generation: number; readonly expiresAt: Date };
  /** Body transport only. */
  readonly refreshToken?: string;
  /** Seconds; body transport only. */
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

export function userAnswer({ id, email, name, roles }: UserRecord): UserAnswer {
  return { id, email, ...(name === undefined ? {} : { name }), roles };
}

/** The refresh token appears in the body in body transport alone, whatever the request says. */
export function tokenAnswer({ user, session, accessToken, refreshToken }: TokenGrant): TokenAnswer {
  const { transport, ...shown } = session;
  return {
    accessToken: accessToken.token,
    tokenType: 'Bearer',
    expiresIn: accessToken.expiresIn,
    user,
    session: shown,
    ...(transport === 'body'
      ? { refreshToken: refreshToken.token, refreshExpiresIn: refreshToken.expiresIn }
      : {}),
  };
}

export function sessionAnswer(session: RefreshSession, currentId: string | null): SessionAnswer {
  const { deviceName, appId, userAgent } = session.device;
  // The latest use tells where the session is now; the device tells where it began.
  const latest = session.recentUses.at(-1) ?? session.device;
  return {
    id: session.id,
    current: session.id === currentId,
    ...(deviceName === null ? {} : { deviceName }),
    ...(appId === null ? {} : { appId }),
    // Uses remember less of it: where it is still the one of the beginning, that one is whole.
    userAgent: latest.userAgent === usedAgent(userAgent) ? userAgent : latest.userAgent,
    ip: latest.ip,
    createdAt: session.createdAt,
    lastUsedAt: session.lastUsedAt,
    expiresAt: session.expiresAt,
  };
}
