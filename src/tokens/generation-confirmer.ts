import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CLOCK, type Clock } from '../core/ports.js';
import { REFRESH_TOKEN_STORE, type RefreshTokenStore } from '../core/refresh-token.store.js';
import { withTimeout } from '../core/with-timeout.js';

const REMEMBERED_GENERATIONS = 100_000;
const RETRY_MS = 200;
/** How long a stopping process waits for confirmations. Losing one is safe: reuse is then judged more leniently. */
const LAST_WRITES_MS = 1000;
/** Maximum confirmations kept during an outage; dropped ones are recorded at the next use. */
const MAX_WAITING = 10_000;

interface Sighting {
  readonly sessionId: string;
  readonly generation: number;
}

/**
 * Confirmation is evidence: the first use of an access token proves that the response with that token arrived. It is
 * recorded once per generation and process, off the request's path, and retried until the write succeeds.
 */
@Injectable()
export class GenerationConfirmer implements BeforeApplicationShutdown {
  private readonly logger = new Logger('GenerationConfirmer');
  /** Session id → newest generation seen here. */
  private readonly seen = new LRUCache<string, number>({ max: REMEMBERED_GENERATIONS });
  private readonly waiting = new Map<string, Sighting>();
  private readonly writing = new Set<Promise<void>>();
  /** An outage is logged once. */
  private isFailing = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Records a use; returns at once. */
  see(sessionId: string, generation: number): void {
    const newest = this.seen.get(sessionId);
    if (newest !== undefined && newest >= generation) return;
    this.seen.set(sessionId, generation);
    this.write({ sessionId, generation });
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    while (this.writing.size > 0) await Promise.all(this.writing);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await withTimeout(() => this.finish(), LAST_WRITES_MS).catch(() => undefined);
    clearTimeout(this.timer);
  }

  private async finish(): Promise<void> {
    await this.settled();
    clearTimeout(this.timer);
    // One last try for the waiting confirmations.
    this.retry();
    await this.settled();
  }

  private write(sighting: Sighting): void {
    const write = this.store
      .confirm(sighting.sessionId, sighting.generation, new Date(this.clock.now()))
      .then(
        () => {
          this.isFailing = false;
        },
        (error: unknown) => this.keep(sighting, error),
      )
      .finally(() => this.writing.delete(write));
    this.writing.add(write);
  }

  private keep(sighting: Sighting, error: unknown): void {
    if (!this.isFailing) this.logger.warn(`confirmations wait for the database: ${String(error)}`);
    this.isFailing = true;
    if (this.waiting.size >= MAX_WAITING) {
      // No longer counted as seen, so that the next use tries again.
      this.seen.delete(sighting.sessionId);
      return;
    }
    // If two generations of a session failed, only the newer one is kept.
    const earlier = this.waiting.get(sighting.sessionId);
    if (!earlier || earlier.generation < sighting.generation) this.waiting.set(sighting.sessionId, sighting);
    this.timer ??= setTimeout(() => this.retry(), RETRY_MS).unref();
  }

  private retry(): void {
    this.timer = undefined;
    const sightings = [...this.waiting.values()];
    this.waiting.clear();
    for (const sighting of sightings) this.write(sighting);
  }
}
