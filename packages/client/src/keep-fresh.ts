import type { BackOff } from './back-off.js';
import type { Environment } from './environment.js';
import type { Refresh } from './refresh.js';
import type { Session } from './session.js';
import type { Tokens } from './tokens.js';

/** Minimum time between two refreshes by timer, however short the tokens live. */
const SHORTEST_MS = 1000;
/** Maximum delay of `setTimeout`: a signed 32-bit integer. */
const LONGEST_MS = 2 ** 31 - 1;

/** Replaces the token before it expires while the page is visible. Returns the function that stops it. */
export function keepFresh(
  { page, random, setTimer }: Environment,
  session: Session,
  tokens: Tokens,
  refresh: Refresh,
  backOff: BackOff,
): () => void {
  if (!page) return () => undefined;
  let cancel = () => {};
  let isClosed = false;

  const arm = (): void => {
    cancel();
    const pause = backOff.remaining();
    // Without a token and without a failure, nothing has needed a token yet.
    const isWanted = session.token || pause > 0;
    if (!isWanted || !page.isVisible || isClosed) return;
    // The time differs from tab to tab: the first tab refreshes, and the others take over its token.
    const due = session.remaining() - tokens.ahead() * (1 - random() / 2);
    cancel = setTimer(check, Math.min(Math.max(due, pause, SHORTEST_MS), LONGEST_MS));
  };
  const check = (): void => {
    tokens.get().then(arm, arm);
  };
  const stopListening = page.onReturn((isStale) => {
    if (!page.isVisible) return cancel();
    const { fault } = backOff;
    backOff.forgive();
    // A page from the back/forward cache has missed messages, so it asks the server who is signed in.
    if (isStale && session.state.status !== 'unknown') refresh().then(arm, arm);
    else if (session.token || fault) check();
  });
  backOff.listen(arm);
  const unsubscribe = session.subscribe(arm);
  return () => {
    isClosed = true;
    cancel();
    unsubscribe();
    stopListening();
  };
}
