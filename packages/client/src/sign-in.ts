import type { AuthRoutes } from './auth-routes.js';
import type { SharedSession } from './shared-session.js';
import type { Tokens } from './tokens.js';
import type { AuthClient, AuthUser } from './types.js';

/** The methods that begin a new session. `transport` is what login and registration ask the server for. */
export function signInMethods(
  { session, tabs, accept }: SharedSession,
  routes: AuthRoutes,
  tokens: Tokens,
  transport: 'body' | undefined,
): Pick<AuthClient, 'login' | 'register' | 'changePassword' | 'reauthenticate'> {
  const enter = (path: string, body: object, token?: string | null): Promise<AuthUser | null> => {
    session.beginEpoch();
    const { signal } = session;
    return tabs
      .exclusively(async () => {
        const answer = await routes.enter(path, body, signal, token);
        if (!answer) return null;
        accept(answer);
        return answer.user;
      })
      .catch((error: unknown) => {
        // The new epoch aborted a `restore()` on its way: if the state is still unknown, ask again.
        tokens.get().catch(() => undefined);
        throw error;
      });
  };
  return {
    login: (input) => enter('/login', { ...input, transport }) as Promise<AuthUser>,
    register: (input) => enter('/register', { ...input, transport }),
    changePassword: (input) =>
      tokens.use((token) => enter('/change-password', input, token)) as Promise<AuthUser>,
    reauthenticate: (input) =>
      tokens.use((token) => {
        const { signal } = session;
        return tabs.exclusively(async () => {
          const answer = await routes.reauthenticate(input, signal, token);
          accept(answer);
          return answer.user;
        });
      }),
  };
}
