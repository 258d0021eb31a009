import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { elapsedMs, type Moment, momentNow, OWN_CLOCKS, type ProcessClocks } from './process-clocks.js';

/** A gap of this length between two checks of the clocks means that the process was suspended or blocked. */
const STANDSTILL_MS = 2_000;
/** How long after a standstill requests may be older than they seem, because they waited in the socket. */
const FRESH_MS = 2_000;
const LOOK_INTERVAL_MS = 500;

/**
 * Notices when this process was stopped, its machine was suspended, or its event loop was blocked. The next requests may then
 * be old, from clients that have given up and continued elsewhere.
 */
export class StandstillWatch implements OnModuleInit, OnModuleDestroy {
  private seen: Moment | null = null;
  /** On the monotonic clock. */
  private noticedAt = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly clocks: ProcessClocks = OWN_CLOCKS) {}

  onModuleInit(): void {
    this.look();
    this.timer = setInterval(() => this.look(), LOOK_INTERVAL_MS);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    // Without the timer, a gap proves nothing.
    this.seen = null;
  }

  /** Whether this process noticed within the last 2 s that it had stood still for 2 s or more. */
  get isFreshlyThawed(): boolean {
    // A request can run before the timer fires.
    if (this.timer) this.look();
    return this.clocks.monotonic() - this.noticedAt < FRESH_MS;
  }

  private look(): void {
    const now = momentNow(this.clocks);
    // Setting the wall clock forward looks like a standstill, which does no harm.
    if (this.seen && elapsedMs(this.seen, now) >= STANDSTILL_MS) this.noticedAt = now.monotonic;
    this.seen = now;
  }
}
