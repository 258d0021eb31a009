import { orAborted } from './abort.js';
import type { Environment } from './environment.js';
import type { AuthClientError } from './errors.js';

/** Requests wait through a pause of up to this length. During a longer one they fail, and the session is kept. */
const PATIENCE_MS = 1000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export type BackOff = Readonly<ReturnType<typeof createBackOff>>;

/** The growing pauses between refreshes that fail. */
export function createBackOff({ random, setTimer, stopwatch }: Environment) {
  let faults = 0;
  let pause = 0;
  let waited = () => 0;
  let onPause = () => {};

  const self = {
    /** The failure of the last refresh. */
    fault: null as AuthClientError | null,
    /** Ms until the next attempt may succeed; 0 or less if the last refresh did not fail. */
    remaining: () => (self.fault ? pause - waited() : 0),
    /**
     * Begins a pause, and waits if it is short. @throws the failure if the pause is long, or the signal's reason if
     * it is aborted
     */
    async fail(failure: AuthClientError, signal: AbortSignal): Promise<void> {
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** faults, LONGEST_PAUSE_MS);
      pause = Math.max(longest * (0.5 + random() / 2), (failure.retryAfter ?? 0) * 1000);
      waited = stopwatch();
      faults += 1;
      self.fault = failure;
      onPause();
      if (pause > PATIENCE_MS) throw failure;
      await orAborted(new Promise<void>((done) => setTimer(done, pause)), signal);
      self.fault = null;
    },
    succeed(): void {
      faults = 0;
      self.fault = null;
    },
    /** The user or the network is back, so the next try may succeed. A `Retry-After` of the server still holds. */
    forgive(): void {
      if (!self.fault?.retryAfter) self.fault = null;
    },
    /** The listener is called when a pause begins. */
    listen(listener: () => void): void {
      onPause = listener;
    },
  };
  return self;
}
