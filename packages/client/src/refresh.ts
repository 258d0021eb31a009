import { throwIfAborted } from './abort.js';
import type { AuthRoutes } from './auth-routes.js';
import type { BackOff } from './back-off.js';
import { AuthClientError } from './errors.js';
import { isFinal } from './refusals.js';
import { isOlder } from './session.js';
import type { SharedSession } from './shared-session.js';

/**
 * Maximum repeats after an older answer. Then it is accepted: a server restored from a backup keeps counting from a
 * lower number.
 */
const MAX_REPEATS = 2;

/**
 * Resolves when the session has another token than before, or is signed out. Callers share one refresh.
 *
 * @throws AuthClientError of a network fault, or `SUPERSEDED`
 */
export type Refresh = (force?: boolean) => Promise<void>;

export function createRefresh(
  { session, debt, tabs, accept, signOut, end }: SharedSession,
  routes: AuthRoutes,
  backOff: BackOff,
  mayHaveSession: () => boolean,
): Refresh {
  const attempt = async (signal: AbortSignal, force: boolean): Promise<void> => {
    throwIfAborted(signal);
    // The cookie may be that of a user who logged out.
    if (debt.exists) return end('REFRESH_TOKEN_MISSING');
    if (!force && !session.token && !mayHaveSession()) return signOut('REFRESH_TOKEN_MISSING');
    const retryAfter = session.ages.restMs() / 1000;
    if (retryAfter > 0)
      throw new AuthClientError({ code: 'TOO_MANY_ATTEMPTS', message: 'Refreshed too often.', retryAfter });
    let answer = await routes.refresh(signal);
    // Two refreshes crossed, and the cookie jar may hold the older token. A request with it gets the newer one.
    for (let i = 0; i < MAX_REPEATS && isOlder(answer, session); i++) answer = await routes.refresh(signal);
    throwIfAborted(signal);
    // A late cookie brought back a session that this tab has left.
    if (session.wasLeft(answer)) return end('SUPERSEDED');
    accept(answer);
  };
  // A service that set no hint may have begun a session, so one answer is needed before the hint alone is trusted.
  const run = async (force = !debt.isNobodyKnown): Promise<void> => {
    const { signal, token, state } = session;
    for (;;) {
      if (backOff.fault && backOff.remaining() > 0) throw backOff.fault;
      try {
        await tabs.exclusively(async () => {
          // While this waited for its turn, another tab may have sent a new token.
          if (session.token === token) await attempt(signal, force);
        });
        return backOff.succeed();
      } catch (error) {
        // Meanwhile another tab has signed in or out.
        if (signal.aborted && session.state !== state) return;
        throwIfAborted(signal);
        const failure = error as AuthClientError;
        if (isFinal(failure)) {
          debt.noteNobody();
          return end(failure.code);
        }
        await backOff.fail(failure, signal);
      }
    }
  };
  let running: Promise<void> | null = null;
  return (force) => {
    running ??= run(force).finally(() => {
      running = null;
    });
    return running;
  };
}
