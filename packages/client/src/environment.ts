import { orUndefined } from './or-undefined.js';
import { indexedRecords, type Records } from './records.js';

/** What the client needs from its host: a browser, a server or a native application. */
export interface Environment {
  /** `null` on a server, in a worker or in a native application: nothing is shared with tabs, and no timer runs. */
  readonly page: Page | null;
  /** URL of the worker. */
  readonly workerUrl?: string | undefined;
  /** A record that outlives the page and is shared by all pages of the origin. `undefined` if there is no place for it. */
  readonly openRecords?: ((name: string) => Records) | undefined;
  /** Starts a stopwatch. Returns the function that reads its ms. */
  readonly stopwatch: () => () => number;
  /** Returns the function that cancels the timer. */
  readonly setTimer: (run: () => void, ms: number) => () => void;
  /** At least 0, below 1. */
  readonly random: () => number;
}

/** What a document offers, and what the tabs of a browser share. */
export interface Page {
  /** Base of relative URLs. A `<base>` element may set it to another origin. */
  readonly url: string;
  /** URL of the page itself. */
  readonly home: string;
  readonly isVisible: boolean;
  /** Calls the listener when the page is shown or hidden, comes back from the back/forward cache (`isStale`), or is online again. */
  onReturn(listener: (isStale: boolean) => void): () => void;
  readonly locks: Pick<LockManager, 'request'> | undefined;
  openChannel(name: string): BroadcastChannel | undefined;
  /** Persistent storage for notes, never for tokens. `undefined` if the browser forbids it. */
  readonly notes: Storage | undefined;
  /** The cookies that scripts can read. */
  readonly cookies?: string | undefined;
}

/** Read when a client is created, not at import, so that servers can import this package. */
export function hostEnvironment(): Environment {
  // A feature that the browser lacks, or forbids by throwing, is `undefined`.
  const place = orUndefined(() => location);
  const factory = orUndefined(() => indexedDB);
  return {
    page: typeof document === 'undefined' ? null : documentPage(),
    // The URL of a worker from a blob, or of a `srcdoc` frame, has no path; its origin is that of its creator.
    workerUrl: place && urlOf(place),
    openRecords: factory && ((name) => indexedRecords(factory, name)),
    stopwatch,
    setTimer: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    random: Math.random,
  };
}

const urlOf = ({ href }: Location): string => (/^http/.test(href) ? href : (globalThis.origin ?? href));

/**
 * The larger of two clocks, as each may run behind: the monotonic clock stops while some devices sleep, and users
 * set the wall clock. At worst a token is replaced early.
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
    home: urlOf(location),
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
    locks: orUndefined(() => navigator.locks),
    openChannel: (name) => orUndefined(() => new BroadcastChannel(name)),
    get notes() {
      return orUndefined(() => localStorage);
    },
    get cookies() {
      return orUndefined(() => document.cookie);
    },
  };
}
