import { throwIfAborted } from './abort.js';
import { isTokenAnswer, type TokenAnswer } from './answers.js';
import type { Attempts } from './attempts.js';
import { AuthClientError } from './errors.js';
import type { Call } from './transport.js';

/** Password hashing is slow, and on a busy server it queues. */
export const PASSWORD_TIMEOUT_MS = 30_000;

export type AuthRoutes = ReturnType<typeof createAuthRoutes>;

/** The auth routes, with the refresh token presented and stored as the transport requires. */
export function createAuthRoutes(call: Call, attempts: Attempts, isBody: boolean) {
  const check = (answer: unknown, signal: AbortSignal): TokenAnswer => {
    throwIfAborted(signal);
    if (isTokenAnswer(answer)) return answer;
    throw new AuthClientError({ code: 'UNEXPECTED_ANSWER', message: 'The server sent no token.' });
  };
  /** Removes the refresh token from the answer: only the storage keeps it. */
  const shown = (answer: TokenAnswer, signal: AbortSignal): TokenAnswer => {
    throwIfAborted(signal);
    return { ...answer, refreshToken: undefined };
  };
  return {
    /** Login, registration or change of password; `null` if the address must be verified first. */
    async enter(path: string, body: object, signal: AbortSignal, token?: string | null) {
      const status = path === '/register' ? [200, 201, 202] : undefined;
      const answer = await call('POST', path, {
        body,
        token,
        signal,
        status,
        timeoutMs: PASSWORD_TIMEOUT_MS,
      });
      if (answer === null) return null;
      const checked = check(answer, signal);
      await attempts.reset({ refreshToken: checked.refreshToken });
      return shown(checked, signal);
    },
    /** A new access token of the same session. */
    async reauthenticate(body: object, signal: AbortSignal, token: string | null) {
      const timeoutMs = PASSWORD_TIMEOUT_MS;
      return check(await call('POST', '/reauthenticate', { body, token, signal, timeoutMs }), signal);
    },
    async refresh(signal: AbortSignal) {
      const { refreshToken, attempt, previous, owed } = await attempts.begin();
      if (owed)
        throw new AuthClientError({ code: 'REFRESH_TOKEN_MISSING', message: 'Logged out.', status: 401 });
      try {
        const body = { refreshToken, attempt, previous };
        const answer = check(await call('POST', '/refresh', { body, signal }), signal);
        await attempts.settle(answer, attempt);
        return shown(answer, signal);
      } catch (error) {
        if ((error as AuthClientError).code === 'REFRESH_SUPERSEDED') await attempts.supersede(attempt);
        throw error;
      }
    },
    async logout(token: string | null) {
      const body = isBody ? { refreshToken: await attempts.owe() } : undefined;
      await call('POST', '/logout', { body, token, status: [204] });
      await attempts.forget(true);
    },
  };
}
