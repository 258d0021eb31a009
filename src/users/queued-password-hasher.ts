import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { AuthError } from '../core/errors.js';
import type { HashRequester, PasswordHasher } from '../core/ports.js';

/** Default number of threads in libuv's pool, which bcrypt shares with the file system and DNS lookups. */
const LIBUV_DEFAULT_THREADS = 4;

/** As many simultaneous hashes as leave one core to the event loop and one thread to the rest of the pool. */
export function defaultHashConcurrency(): number {
  return Math.max(1, Math.min(availableParallelism(), poolThreads()) - 1);
}

/** Number of threads in libuv's pool in this process. */
export function poolThreads(): number {
  return Number(process.env['UV_THREADPOOL_SIZE']) || LIBUV_DEFAULT_THREADS;
}

/** The load of password hashing in this process. */
export interface HashingStats {
  /** Passwords that are being hashed. */
  readonly running: number;
  /** Maximum number of simultaneous hashes (`password.hashConcurrency`). */
  readonly concurrency: number;
  /** Passwords that wait for their turn. */
  readonly waiting: number;
  /** Maximum number of waiting passwords (`password.hashQueueLimit`). */
  readonly queueLimit: number;
  /** Hashes refused with 503 since the start, because the queue was full. */
  readonly refused: number;
}

/** The part of the queue, and of the simultaneous hashes, that one address or one account may use. */
const SHARE = 1 / 4;

/**
 * Limits password hashing. A flood of logins waits in the queue, and is refused for now when the queue is full, so it cannot
 * starve refreshes. One address, or one account, gets at most a quarter of the queue, so a flood cannot keep others from
 * logging in. The module hashes all passwords with it; a host can also hash with it, and monitor it.
 */
export class QueuedPasswordHasher implements PasswordHasher {
  private readonly limit: pLimit.Limit;
  /** For each address and account with hashes in the queue. */
  private readonly places = new Map<string, Places>();
  private waiting = 0;
  private running = 0;
  private refused = 0;
  private fastest: number | null = null;

  /**
   * @param concurrency maximum number of simultaneous hashes
   * @param queueLimit maximum number of waiting hashes
   * @param isShared false: one address or account may use all of it
   */
  constructor(
    private readonly hasher: PasswordHasher,
    private readonly concurrency: number,
    private readonly queueLimit: number,
    private readonly isShared = true,
  ) {
    this.limit = pLimit(concurrency);
  }

  /** Read from memory, without any cost. */
  get stats(): HashingStats {
    const { running, concurrency, waiting, queueLimit, refused } = this;
    return { running, concurrency, waiting, queueLimit, refused };
  }

  /**
   * The fastest hash so far, in milliseconds, without waiting time; null before the first. The fastest one is the least
   * affected by other load on the machine.
   */
  get fastestMs(): number | null {
    return this.fastest;
  }

  /**
   * @param requester who causes the hash; without it, the hash counts in no share
   * @throws AuthError `TEMPORARILY_UNAVAILABLE` if the queue is full
   */
  async hash(password: string, requester?: HashRequester): Promise<string> {
    return this.enqueue(requester, async () => {
      const from = performance.now();
      const hash = await this.hasher.hash(password);
      this.fastest = Math.min(this.fastest ?? Infinity, performance.now() - from);
      return hash;
    });
  }

  /**
   * @param requester who causes the hash; without it, the hash counts in no share
   * @throws AuthError `TEMPORARILY_UNAVAILABLE` if the queue is full
   */
  async verify(password: string, stored: string, requester?: HashRequester): Promise<boolean> {
    return this.enqueue(requester, () => this.hasher.verify(password, stored));
  }

  needsUpgrade(stored: string): boolean {
    return this.hasher.needsUpgrade(stored);
  }

  private async enqueue<T>(requester: HashRequester | undefined, work: () => Promise<T>): Promise<T> {
    if (this.waiting >= this.queueLimit) throw this.refusal('the hashing queue is full');
    const keys = this.isShared && requester ? keysOf(requester) : [];
    const share = shareOf(this.queueLimit);
    if (keys.some((key) => (this.places.get(key)?.waiting ?? 0) >= share))
      throw this.refusal('the share of an address or account in the hashing queue is full');
    const taken = keys.map((key) => this.take(key));
    this.waiting += 1;
    const start = () => this.limit(() => this.run(taken, work));
    // A requester whose share is running waits outside of the common queue, so others are not blocked.
    const inTurn = taken.reduce<() => Promise<T>>(
      (next, { turns }) =>
        () =>
          turns(next),
      start,
    );
    try {
      return await inTurn();
    } finally {
      for (const [index, places] of taken.entries()) this.free(keys[index] ?? '', places);
    }
  }

  private async run<T>(taken: readonly Places[], work: () => Promise<T>): Promise<T> {
    this.waiting -= 1;
    for (const places of taken) places.waiting -= 1;
    this.running += 1;
    try {
      return await work();
    } finally {
      this.running -= 1;
    }
  }

  private take(key: string): Places {
    const places = this.places.get(key) ?? { waiting: 0, held: 0, turns: pLimit(shareOf(this.concurrency)) };
    places.waiting += 1;
    places.held += 1;
    this.places.set(key, places);
    return places;
  }

  private free(key: string, places: Places): void {
    places.held -= 1;
    if (places.held === 0) this.places.delete(key);
  }

  private refusal(detail: string): AuthError {
    this.refused += 1;
    return new AuthError('TEMPORARILY_UNAVAILABLE', { detail, retryAfter: 2 });
  }
}

/** The hashes of one address or account. */
interface Places {
  waiting: number;
  /** Number of hashes waiting and running. */
  held: number;
  readonly turns: pLimit.Limit;
}

function keysOf({ address, account }: HashRequester): string[] {
  return [`account:${account}`, `address:${address}`];
}

function shareOf(places: number): number {
  return Math.max(1, Math.floor(places * SHARE));
}
