import { availableParallelism } from 'node:os';
import pLimit, { type LimitFunction } from 'p-limit';
import { AuthError } from '../core/errors.js';
import type { PasswordHasher } from '../core/ports.js';

/** Threads of libuv's pool, which bcrypt shares with the file system and name look-ups. */
const LIBUV_DEFAULT_THREADS = 4;

/** As many hashes at once as leave a core to the event loop and a thread to the rest of the pool. */
export function defaultHashConcurrency(): number {
  return Math.max(1, Math.min(availableParallelism(), poolThreads()) - 1);
}

/** Threads of libuv's pool in this process. */
export function poolThreads(): number {
  return Number(process.env['UV_THREADPOOL_SIZE']) || LIBUV_DEFAULT_THREADS;
}

/** How hashing does, in this process. */
export interface HashingStats {
  /** Passwords that are being hashed. */
  readonly running: number;
  /** How many may be at once (`password.hashConcurrency`). */
  readonly concurrency: number;
  /** Passwords that wait for their turn. */
  readonly waiting: number;
  /** How many may wait (`password.hashQueueLimit`). */
  readonly queueLimit: number;
  /** Those since the start for which there was no room: the client was told to come back, with 503. */
  readonly refused: number;
}

/**
 * Hashing under a limit: a flood of logins waits here, and beyond the limit of the queue is told to come back, so that
 * it cannot starve refreshes. Where passwords are hashed by the module; a host may hash by it too, and watch it.
 */
export class QueuedPasswordHasher implements PasswordHasher {
  private readonly limit: LimitFunction;
  private refused = 0;
  private fastest: number | null = null;

  /**
   * @param concurrency how many passwords are hashed at once
   * @param queueLimit how many may wait
   */
  constructor(
    private readonly hasher: PasswordHasher,
    concurrency: number,
    private readonly queueLimit: number,
  ) {
    this.limit = pLimit(concurrency);
  }

  /** Read from memory, at no cost. */
  get stats(): HashingStats {
    const { activeCount: running, concurrency, pendingCount: waiting } = this.limit;
    return { running, concurrency, waiting, queueLimit: this.queueLimit, refused: this.refused };
  }

  /**
   * The fastest hash so far, in milliseconds and without the wait; null before the first. What else the machine does only
   * lengthens one.
   */
  get fastestMs(): number | null {
    return this.fastest;
  }

  /** @throws AuthError `TEMPORARILY_UNAVAILABLE` where too many wait */
  async hash(password: string): Promise<string> {
    return this.enqueue(async () => {
      const from = performance.now();
      const hash = await this.hasher.hash(password);
      this.fastest = Math.min(this.fastest ?? Infinity, performance.now() - from);
      return hash;
    });
  }

  /** @throws AuthError `TEMPORARILY_UNAVAILABLE` where too many wait */
  async verify(password: string, stored: string): Promise<boolean> {
    return this.enqueue(() => this.hasher.verify(password, stored));
  }

  needsUpgrade(stored: string): boolean {
    return this.hasher.needsUpgrade(stored);
  }

  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    if (this.limit.pendingCount >= this.queueLimit) {
      this.refused += 1;
      throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'the hashing queue is full', retryAfter: 2 });
    }
    return this.limit(work);
  }
}
