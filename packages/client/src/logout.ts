import type { AuthRoutes } from './auth-routes.js';
import type { Refresh } from './refresh.js';
import type { SharedSession } from './shared-session.js';
import type { AuthClient } from './types.js';

/** Logout, and a restore that first completes a logout that has not reached the server. */
export function logoutMethods(
  { session, debt, tabs, attempts, signOut }: SharedSession,
  routes: AuthRoutes,
  refresh: Refresh,
): Pick<AuthClient, 'logout' | 'restore'> {
  const payDebt = (token: string | null, sent?: Promise<void> | false | null): Promise<void> =>
    tabs.exclusively(async () => {
      // Somebody signed in while this waited for its turn: the cookie is theirs now.
      if (!debt.exists) return;
      await (sent || routes.logout(token));
      debt.settle();
      debt.noteNobody();
    });
  return {
    async logout() {
      const { token } = session;
      debt.note();
      session.beginEpoch();
      const wasBusy = tabs.isBusy();
      // Sent before listeners run, because they may leave the page. A refresh on its way may still set a cookie.
      const sent = session.state.session && routes.logout(token);
      sent?.catch(() => undefined);
      signOut('LOGOUT');
      await payDebt(token, !wasBusy && sent);
    },
    async restore({ force, initialState } = {}) {
      const { owed, generation = 0 } = await attempts.read();
      if (owed) debt.note();
      if (debt.exists) {
        session.signOut('LOGOUT');
        await payDebt(null);
      } else {
        if (initialState?.session) session.adopt(initialState);
        // A rendered page that arrives late may have brought back an older cookie than the tabs know.
        if (generation > (session.state.session?.generation ?? -1)) await refresh(force);
      }
      return session.state;
    },
  };
}
