import type { TokenAnswer } from './answers.js';
import type { Attempts } from './attempts.js';
import type { LogoutDebt } from './logout-debt.js';
import { isOlder, type Session } from './session.js';
import type { Tabs } from './tabs.js';
import type { SignOutReason } from './types.js';

export type SharedSession = ReturnType<typeof shareSession>;

/** This tab's session, and the changes that it broadcasts to the other tabs. */
export function shareSession(session: Session, debt: LogoutDebt, tabs: Tabs, attempts: Attempts) {
  const signOut = (reason: SignOutReason): void => {
    const id = session.state.session?.id;
    // A tab that never knew a user has no sign-out to broadcast.
    if (id || reason === 'LOGOUT') tabs.send({ signedOut: reason, session: id });
    session.signOut(reason);
  };
  return {
    session,
    debt,
    tabs,
    attempts,
    /** Takes over a new access token. */
    accept: (answer: TokenAnswer): void => {
      debt.settle();
      session.accept(answer);
      tabs.send({ answer, at: Date.now() });
    },
    signOut,
    /**
     * Signs out, then forgets the stored record. @throws AuthClientError `STORAGE_FAILED`; the user is signed out
     * even then
     */
    end: async (reason: SignOutReason): Promise<void> => {
      signOut(reason);
      await attempts.forget();
    },
  };
}

/** Follows the other tabs. `refresh` asks the server which token is the current one. */
export function followTabs({ session, debt, tabs }: SharedSession, refresh: () => Promise<void>): void {
  tabs.listen((message) => {
    if ('signedOut' in message) {
      const id = session.state.session?.id;
      if (!id || !message.session || id === message.session) session.signOut(message.signedOut);
      return;
    }
    const { answer, at } = message;
    if (session.wasLeft(answer)) return;
    if (isOlder(answer, session)) {
      // Its cookie may have replaced a newer one: the server says which token is current.
      refresh().catch(() => undefined);
      return;
    }
    debt.settle();
    session.accept(answer, Math.max(0, Date.now() - at));
  });
}
