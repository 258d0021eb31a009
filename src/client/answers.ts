import type { AuthSession, AuthUser } from './types.js';

/** Answer of login, register, refresh and change-password. */
export interface TokenAnswer {
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly user: AuthUser;
  readonly session: AuthSession;
  /** Body transport only. */
  readonly refreshToken?: string;
}

/** A portal that answers 200 to everything has not signed anybody in. */
export function isTokenAnswer(value: unknown): value is TokenAnswer {
  const { accessToken, expiresIn, user, session } = (value ?? {}) as Partial<TokenAnswer>;
  return (
    typeof accessToken === 'string' &&
    typeof expiresIn === 'number' &&
    typeof user?.id === 'string' &&
    typeof session?.id === 'string' &&
    typeof session.generation === 'number'
  );
}
