import type { Environment } from './environment.js';
import type { Refresher } from './refresh.js';
import type { Session } from './session.js';
import type { Tokens } from './tokens.js';

/** Whatever a server says of a token's life: it is not asked more often than this unless a request needs it. */
const SHORTEST_MS = 1000;
/** Timers hold 31 bits. */
const LONGEST_MS = 2 ** 31 - 1;

/** Replaces the token ahead of its end while the page is visible. Gives the function that stops it. */
export function keepFresh(
  { page, random, setTimer }: Environment,
  session: Session,
  tokens: Tokens,
  refresher: Refresher,
): () => void {
  if (!page) return () => undefined;
  let cancel = () => {};
  let isClosed = false;

  const arm = (): void => {
    cancel();
    const { status } = session.state;
    const { backOff } = refresher;
    const isWanted = status === 'signed-in' || (status === 'unknown' && backOff > 0);
    if (!isWanted || !page.isVisible || isClosed) return;
    // The moment differs from tab to tab: the first one refreshes, the others take its token.
    const due = session.remaining - tokens.ahead * (1 - random() / 2);
    cancel = setTimer(check, Math.min(Math.max(due, backOff, SHORTEST_MS), LONGEST_MS));
  };
  const check = (): void => void tokens.get().then(arm, arm);
  const stopListening = page.onReturn((isStale) => {
    if (!page.isVisible) return cancel();
    const isUnanswered = refresher.fault;
    refresher.forgive();
    // A page from the cache has missed what the other tabs said: the cookie knows who is signed in.
    if (isStale && session.token) refresher.refresh().then(arm, arm);
    else if (session.token || isUnanswered) check();
  });
  refresher.onBackOff = arm;
  const unsubscribe = session.subscribe(arm);
  return () => {
    isClosed = true;
    cancel();
    unsubscribe();
    stopListening();
  };
}
