import type { AuthSession, AuthUser } from './types.js';

/** Answer of login, register, refresh and change-password. */
export interface TokenAnswer {
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly user: AuthUser;
  readonly session: AuthSession;
  /** Only with body transport. */
  readonly refreshToken?: string | undefined;
}

/** A captive portal answers 200 to every request, so the status is not enough. */
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
