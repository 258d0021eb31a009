/** What the client needs of the place it runs in. */
export interface Environment {
  /** `null` on a server, in a worker, in a native application: nothing is shared, and no timer runs. */
  readonly page: Page | null;
  /** Starts to count; the function it gives tells the ms since. */
  readonly stopwatch: () => () => number;
  /** Gives the function that cancels. */
  readonly setTimer: (run: () => void, ms: number) => () => void;
  /** At least 0, below 1. */
  readonly random: () => number;
}

/** What a document gives, and the tabs of a browser share. */
export interface Page {
  /** What relative addresses count from: a `<base>` may lie on another origin. */
  readonly url: string;
  /** Where the page itself comes from. */
  readonly home: string;
  readonly isVisible: boolean;
  /** Calls when it is shown, comes back from the back/forward cache (`isStale`), or the network is back. */
  onReturn(listener: (isStale: boolean) => void): () => void;
  readonly locks: Pick<LockManager, 'request'> | undefined;
  openChannel(name: string): BroadcastChannel | undefined;
  /** Outlives the page; holds no token. `undefined` where the browser forbids it. */
  readonly notes: Storage | undefined;
}

/** Looked at when a client is made, never at import. */
export function hostEnvironment(): Environment {
  return {
    page: typeof document === 'undefined' ? null : documentPage(),
    stopwatch,
    setTimer: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    random: Math.random,
  };
}

/**
 * Both clocks may lie: the monotonic one stands still while some devices sleep, the other one is set by people. Time
 * is never less than either says; at worst a token is replaced early.
 */
function stopwatch(): () => number {
  const monotonic = performance.now();
  const wall = Date.now();
  return () => Math.max(performance.now() - monotonic, Date.now() - wall);
}

function documentPage(): Page {
  return {
    get url() {
      return document.baseURI;
    },
    home: location.href,
    get isVisible() {
      return document.visibilityState === 'visible';
    },
    onReturn(listener) {
      const seen = () => listener(false);
      const shown = ({ persisted }: PageTransitionEvent) => listener(persisted);
      document.addEventListener('visibilitychange', seen);
      window.addEventListener('online', seen);
      window.addEventListener('pageshow', shown);
      return () => {
        document.removeEventListener('visibilitychange', seen);
        window.removeEventListener('online', seen);
        window.removeEventListener('pageshow', shown);
      };
    },
    locks: navigator.locks,
    openChannel: (name) => (typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name)),
    get notes() {
      try {
        return localStorage;
      } catch {
        return undefined;
      }
    },
  };
}
