import type { TokenAnswer } from './answers.js';
import type { Environment, Page } from './environment.js';

/** The messages between tabs. Only pages of the same origin can listen. */
export type TabMessage =
  | { readonly answer: TokenAnswer; readonly at: number }
  | { readonly signedOut: string; readonly session: string | undefined };

/** Maximum wait for the lock: a tab that hangs or is frozen while it holds the lock must not stop the others. */
const LOCK_TIMEOUT_MS = 5000;
/** A lock that takes longer was held by another tab. */
const FREE_LOCK_MS = 2;
/** Maximum wait for the message of the tab that held the lock, as it may arrive after the lock. */
const MESSAGE_TIMEOUT_MS = 500;

export type Tabs = ReturnType<typeof createTabs>;

/** Runs one operation at a time among tabs, by a Web Lock if there is one. */
function createLock(name: string, page: Page | null, { setTimer, stopwatch }: Environment) {
  let onHeard = () => {};
  const run = <T>(work: () => Promise<T>): Promise<T> => {
    const locks = page?.locks;
    if (!locks) return work();
    return new Promise((resolve) => {
      const patience = new AbortController();
      const waited = stopwatch();
      let running: Promise<unknown> | undefined;
      // Runs once, with or without the lock: the server handles two simultaneous refreshes.
      const start = () => {
        cancel();
        if (!running) {
          const result = work();
          running = result.catch(() => undefined);
          resolve(result);
        }
        return running;
      };
      const cancel = setTimer(() => {
        // Not every lock manager honours the signal.
        patience.abort();
        void start();
      }, LOCK_TIMEOUT_MS);
      const heard = new Promise<void>((done) => (onHeard = done));
      const held = async () => {
        cancel();
        if (!running && waited() > FREE_LOCK_MS) {
          // On a busy device the message may be delayed as much as the lock was.
          setTimer(onHeard, Math.min(waited(), MESSAGE_TIMEOUT_MS));
          await heard;
        }
        return start();
      };
      // Web Locks may be forbidden, for example in a sandboxed frame.
      const request = async () => locks.request(name, { signal: patience.signal }, held);
      request().catch(start);
    });
  };
  return { run, hear: () => onHeard() };
}

/** Runs one operation at a time: a queue within this tab, a lock among tabs. Also carries their messages. */
export function createTabs(name: string, page: Page | null, environment: Environment) {
  const lock = createLock(name, page, environment);
  let channel: BroadcastChannel | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  return {
    /** Whether an operation of this tab runs or waits. */
    isBusy: () => waiting > 0,
    listen(onMessage: (message: TabMessage) => void): void {
      channel = page?.openChannel(name);
      if (!channel) return;
      channel.onmessage = ({ data }) => {
        onMessage(data as TabMessage);
        lock.hear();
      };
    },
    send(message: TabMessage): void {
      channel?.postMessage(message);
    },
    exclusively<T>(work: () => Promise<T>): Promise<T> {
      waiting += 1;
      const turn = queue.then(() => lock.run(work));
      queue = turn.catch(() => undefined).finally(() => (waiting -= 1));
      return turn;
    },
    close(): void {
      channel?.close();
      // `postMessage` on a closed channel throws.
      channel = undefined;
    },
  };
}
