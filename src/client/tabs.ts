import type { TokenAnswer } from './answers.js';
import type { Environment } from './environment.js';

/** What tabs tell each other. Only pages of the same origin can listen. */
export type TabMessage =
  | { readonly answer: TokenAnswer; readonly at: number }
  | { readonly signedOut: string; readonly session: string | undefined };

/** A tab that hangs or was frozen with the lock must not stop the others; the server can do without it. */
const LOCK_WITHIN_MS = 5000;
/** A lock that takes longer was held by another tab. */
const FREE_WITHIN_MS = 2;
/** What the lock's last holder told may arrive after the lock: as late as the lock itself, where the device is busy. */
const NEWS_WITHIN_MS = 500;

/** One thing at a time: in this tab by a queue, among tabs by a Web Lock, where there is one. */
export class Tabs {
  private channel: BroadcastChannel | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private onNews = () => {};

  constructor(
    private readonly name: string,
    private readonly environment: Environment,
    onMessage: (message: TabMessage) => void,
  ) {
    this.channel = environment.page?.openChannel(name);
    if (this.channel)
      this.channel.onmessage = ({ data }) => {
        onMessage(data as TabMessage);
        this.onNews();
      };
  }

  tell(message: TabMessage): void {
    this.channel?.postMessage(message);
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(() => this.locked(work));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  close(): void {
    this.channel?.close();
    // A closed channel throws at whoever still speaks.
    this.channel = undefined;
  }

  private async locked<T>(work: () => Promise<T>): Promise<T> {
    const { page, setTimer, stopwatch } = this.environment;
    if (!page?.locks) return work();
    const patience = new AbortController();
    const cancel = setTimer(() => patience.abort(), LOCK_WITHIN_MS);
    const waited = stopwatch();
    const news = new Promise<void>((done) => (this.onNews = done));
    let isHeld = false;
    try {
      return await page.locks.request(this.name, { signal: patience.signal }, async () => {
        isHeld = true;
        cancel();
        if (waited() > FREE_WITHIN_MS) {
          setTimer(this.onNews, Math.min(waited(), NEWS_WITHIN_MS));
          await news;
        }
        return work();
      });
    } catch (error) {
      // Waited for in vain, or forbidden (a sandboxed frame).
      if (isHeld) throw error;
      return work();
    } finally {
      cancel();
    }
  }
}
