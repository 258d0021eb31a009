import { Inject, Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/ports.js';
import { atMost } from '../database/at-most.js';
import { CLOCK } from '../database/database.module.js';
import { REFRESH_TOKEN_STORE, type RefreshTokenStore } from './refresh-token.store.js';

const REMEMBERED_GENERATIONS = 100_000;
const RETRY_MS = 200;
/** A process that stops waits so long for confirmations: without them a session is judged more kindly, no worse. */
const LAST_WRITES_MS = 1000;
/** Beyond this the database has been gone for long; what is dropped is seen again at the next use. */
const MAX_WAITING = 10_000;

interface Sighting {
  readonly sessionId: string;
  readonly generation: number;
}

/**
 * Confirmation is evidence: the first use of an access token proves that the answer which carried it arrived. It is
 * recorded once per generation and process, off the request's path, and tried again until the write succeeded.
 */
@Injectable()
export class GenerationConfirmer implements BeforeApplicationShutdown {
  private readonly logger = new Logger('GenerationConfirmer');
  /** Session id → newest generation seen here. */
  private readonly seen = new LRUCache<string, number>({ max: REMEMBERED_GENERATIONS });
  private readonly waiting = new Map<string, Sighting>();
  private readonly writing = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(REFRESH_TOKEN_STORE) private readonly store: RefreshTokenStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Notes a use; returns at once. */
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
    await atMost(LAST_WRITES_MS, this.finish());
    clearTimeout(this.timer);
  }

  private async finish(): Promise<void> {
    await this.settled();
    clearTimeout(this.timer);
    // One last try for what still waits.
    this.retry();
    await this.settled();
  }

  private write(sighting: Sighting): void {
    const write = this.store
      .confirm(sighting.sessionId, sighting.generation, new Date(this.clock.now()))
      .catch((error: unknown) => this.keep(sighting, error))
      .finally(() => this.writing.delete(write));
    this.writing.add(write);
  }

  private keep(sighting: Sighting, error: unknown): void {
    if (this.waiting.size === 0) this.logger.warn(`a confirmation waits for the database: ${String(error)}`);
    if (this.waiting.size >= MAX_WAITING) {
      // Forgotten as seen, so that its next use tries again.
      this.seen.delete(sighting.sessionId);
      return;
    }
    // Of two that failed, in whatever order, the newer one is the evidence.
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
