import { createClientIn } from '../../src/auth-client.js';
import type { Environment, Page } from '../../src/environment.js';
import type { AuthClient, AuthClientOptions } from '../../src/index.js';
import type { Records } from '../../src/records.js';

const CONDITION_WITHIN_MS = 20_000;

/** Resolves when the condition holds; checks again after each turn of the event loop. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  const end = performance.now() + CONDITION_WITHIN_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not come true`);
    await new Promise((next) => setImmediate(next));
  }
}

/** Cookies as a browser keeps them, for Node's fetch, which has none. */
export class CookieJar {
  readonly cookies = new Map<string, string>();

  readonly fetch: typeof fetch = async (input, init) => {
    const isIncluded = init?.credentials === 'include';
    const headers = new Headers(init?.headers);
    if (isIncluded && this.cookies.size > 0)
      headers.set('cookie', [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(input, { ...init, headers });
    for (const line of isIncluded ? response.headers.getSetCookie() : []) this.store(line);
    return response;
  };

  private store(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (/max-age=0/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

type Wish = { name: string; grant: () => void };

/** Web Locks within a process: Node 20 has none. */
class Locks {
  private readonly waiting: Wish[] = [];
  private readonly held = new Set<string>();

  readonly request = async (
    name: string,
    options: { signal?: AbortSignal },
    work: (lock: null) => unknown,
  ): Promise<unknown> => {
    await new Promise<void>((grant, reject) => {
      if (!this.held.has(name)) {
        this.held.add(name);
        return grant();
      }
      const wish = { name, grant };
      this.waiting.push(wish);
      options.signal?.addEventListener('abort', () => {
        const index = this.waiting.indexOf(wish);
        if (index < 0) return;
        this.waiting.splice(index, 1);
        reject(options.signal?.reason as Error);
      });
    });
    try {
      return await work(null);
    } finally {
      const next = this.waiting.findIndex((wish) => wish.name === name);
      if (next < 0) this.held.delete(name);
      else this.waiting.splice(next, 1)[0]?.grant();
    }
  };

  get waiters(): number {
    return this.waiting.length;
  }
}

/** The environment of one tab, with a clock that the test moves. */
class Surroundings implements Environment {
  now = 0;
  isVisible = true;
  luck = 0.5;
  page: Page | null;
  openRecords: ((name: string) => Records) | undefined;
  readonly timers = new Set<{ at: number; ms: number; run: () => void }>();
  private readonly returns = new Set<(isStale: boolean) => void>();

  constructor(page?: Pick<Page, 'locks' | 'openChannel' | 'notes' | 'url' | 'home'>) {
    const isVisible = () => this.isVisible;
    const onReturn: Page['onReturn'] = (listener) => {
      this.returns.add(listener);
      return () => this.returns.delete(listener);
    };
    this.page = page
      ? {
          ...page,
          onReturn,
          get isVisible() {
            return isVisible();
          },
        }
      : null;
  }

  readonly stopwatch = () => {
    const start = this.now;
    return () => this.now - start;
  };
  readonly setTimer = (run: () => void, ms: number) => {
    const timer = { at: this.now + ms, ms, run };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  };
  readonly random = () => this.luck;

  /** Lets time pass, and runs the timers that are due. */
  pass(ms: number): void {
    this.now += ms;
    for (const timer of [...this.timers]) {
      if (timer.at > this.now || !this.timers.delete(timer)) continue;
      timer.run();
    }
  }

  /** A sleeping device: time has passed, and no timer ran. */
  sleep(ms: number): void {
    this.now += ms;
    for (const timer of this.timers) timer.at += ms;
  }

  /** Waits for a timer of this many ms, then lets that time pass. */
  async passTimer(ms: number): Promise<void> {
    await this.untilTimer(ms);
    this.pass(ms);
  }

  untilTimer(ms: number): Promise<void> {
    return until(() => [...this.timers].some((timer) => timer.ms === ms), `a timer of ${ms} ms`);
  }

  show(isVisible: boolean, isStale = false): void {
    this.isVisible = isVisible;
    for (const listener of this.returns) listener(isStale);
  }
}

export interface Tab {
  readonly auth: AuthClient;
  readonly host: Surroundings;
  /** What `onSignedOut` was called with. */
  readonly signedOut: string[];
}

/** Tabs of one browser: they share cookies, locks, channels and notes. */
export class Browser {
  readonly jar = new CookieJar();
  readonly locks = new Locks();
  readonly notes = new Map<string, string>();
  /** Where the tabs keep their shared record. Without it each tab has its own. */
  records: ((name: string) => Records) | undefined;
  private readonly tabs: Tab[] = [];

  /** @param profile separates browsers that are open at once: channels span the whole process. */
  constructor(
    private readonly baseUrl: string,
    private readonly profile = '',
  ) {}

  readonly openChannel = (name: string) => new BroadcastChannel(this.profile + name);

  tab(options: Partial<AuthClientOptions> = {}, page: Partial<Page> = {}): Tab {
    const { notes } = this;
    const host = new Surroundings({
      url: 'https://app.example.com/',
      home: 'https://app.example.com/',
      locks: this.locks as unknown as Page['locks'],
      openChannel: this.openChannel,
      notes: {
        getItem: (key) => notes.get(key) ?? null,
        setItem: (key, value) => void notes.set(key, value),
        removeItem: (key) => void notes.delete(key),
      } as Storage,
      ...page,
    });
    host.openRecords = this.records;
    const signedOut: string[] = [];
    const auth = createClientIn(host, {
      baseUrl: this.baseUrl,
      fetch: this.jar.fetch,
      onSignedOut: (reason) => signedOut.push(reason),
      ...options,
    } as AuthClientOptions);
    const tab = { auth, host, signedOut };
    this.tabs.push(tab);
    return tab;
  }

  close(): void {
    for (const { auth } of this.tabs) auth.close();
  }
}

export const ADA = { email: 'ada@example.com', password: 'seven-Otters-cross-the-river' };
export const GRACE = { email: 'grace@example.com', password: 'nine-Herons-leave-the-lake' };

export const statusOf = ({ auth }: Tab) => auth.getState().status;
export const userOf = ({ auth }: Tab) => auth.getState().user?.id;
