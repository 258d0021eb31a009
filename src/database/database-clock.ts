import { Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Connection } from 'mongoose';
import type { Clock } from '../core/ports.js';
import { withTimeout } from '../core/with-timeout.js';
import { type Moment, momentNow, OWN_CLOCKS, type ProcessClocks } from './process-clocks.js';
import { orUnavailable } from './unavailable.js';

const ANCHOR_INTERVAL_MS = 60_000;
const LOOK_INTERVAL_MS = 1_000;
/** Less than the interval, because timers fire a little early or late. */
const RETRY_AFTER_MS = 900;
/** If the clocks of this process drift apart by more than this, one of them was suspended or set. */
const MAX_DRIFT_MS = 1_000;
/** A larger step of the database's clock must be confirmed by further measurements, a second apart. */
const MAX_STEP_MS = 30_000;
const CONFIRMATIONS = 2;
/** Two measurements of one clock may differ by this and by half of their round trips. */
const AGREEMENT_MS = 1_000;
/** A slower answer is measured again: the process may have been suspended meanwhile. */
const GOOD_ROUND_TRIP_MS = 500;
const MAX_TRIES = 3;
/** How long `isInDoubt` holds after a step: longer than any sensible grace period. */
const IN_DOUBT_MS = 60_000;
/** How long a request waits for the time. */
const SETTLE_WITHIN_MS = 2_000;

interface Anchor {
  /** The database's time minus the monotonic clock. */
  readonly offsetMs: number;
  /** The wall clock of this machine minus the monotonic clock. */
  readonly wallOffsetMs: number;
  readonly takenAt: number;
  readonly roundTripMs: number;
}

/**
 * One clock for all processes on one database. It is monotonic and takes the server's time (`hello.localTime`) at boot, every
 * minute, and whenever the monotonic and the wall clock of this process drift apart, as they do when a machine is
 * suspended. Without it, two processes with different clocks would take each other's rotations for theft.
 *
 * After a small step back the time stands still until the database has caught up. A step of more than 30 s is followed in both
 * directions once three measurements in a row agree: waiting for it would make this process refuse the access tokens of all
 * processes that started later, for as long as the step. Earlier decisions still hold: revocations are kept by the
 * monotonic clock, and an access token from the future counts as revoked (`RevocationService`).
 */
export class DatabaseClock implements Clock, OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('DatabaseClock');
  private anchor: Anchor;
  private isAnchored = false;
  private isStopped = false;
  private anchoring: Promise<void> | null = null;
  /** A large step that still has to be confirmed. */
  private step: { readonly anchor: Anchor; readonly confirmations: number } | null = null;
  /** On the monotonic clock: no measurement is taken before this. */
  private retryAt = Number.NEGATIVE_INFINITY;
  /** Reports an outage only once. */
  private isFailing = false;
  private latest = Number.NEGATIVE_INFINITY;
  /** On the monotonic clock: when the last step was accepted. */
  private steppedAt = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly clocks: ProcessClocks = OWN_CLOCKS,
  ) {
    const takenAt = clocks.monotonic();
    const offsetMs = clocks.wall() - takenAt;
    this.anchor = { offsetMs, wallOffsetMs: offsetMs, takenAt, roundTripMs: 0 };
  }

  now(): number {
    const moment = momentNow(this.clocks);
    if (this.isAnchored && this.isDrift(moment)) void this.anchorSoon();
    const time = Math.floor(moment.monotonic + this.anchor.offsetMs);
    if (time > this.latest) this.latest = time;
    return this.latest;
  }

  /** Set while the clocks of this process have drifted apart and the database has not answered yet. */
  get settling(): Promise<void> | null {
    if (!this.isAnchored || !this.isDrift(momentNow(this.clocks))) return null;
    const anchoring = this.anchorSoon();
    return anchoring && withTimeout(() => anchoring, SETTLE_WITHIN_MS).catch(() => undefined);
  }

  async onModuleInit(): Promise<void> {
    this.adopt(await this.measure());
    // Until now the time came from this machine.
    this.latest = Number.NEGATIVE_INFINITY;
    this.timer = setInterval(() => this.look(), LOOK_INTERVAL_MS);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.isStopped = true;
  }

  /** Times written before and after a step cannot be compared. */
  get isInDoubt(): boolean {
    return this.step !== null || this.clocks.monotonic() - this.steppedAt < IN_DOUBT_MS;
  }

  /**
   * The time of the database at this moment. While a large step is not confirmed, the time continues from before the step, so
   * that no verdict relies on a clock that may be wrong.
   */
  async read(): Promise<number> {
    const measured = await orUnavailable(() => this.measure());
    if (this.isExpected(measured)) this.follow(measured);
    else void this.anchorSoon();
    return Math.floor(this.clocks.monotonic() + this.anchor.offsetMs);
  }

  private look(): void {
    const ageMs = this.clocks.monotonic() - this.anchor.takenAt;
    if (ageMs >= ANCHOR_INTERVAL_MS || this.step || this.isDrift(momentNow(this.clocks)))
      void this.anchorSoon();
  }

  private isDrift({ monotonic, wall }: Moment): boolean {
    return Math.abs(wall - monotonic - this.anchor.wallOffsetMs) > MAX_DRIFT_MS;
  }

  /** Null shortly after the last attempt. Never rejects: without an answer, the clock continues from the last anchor. */
  private anchorSoon(): Promise<void> | null {
    if (this.anchoring) return this.anchoring;
    if (this.isStopped || this.clocks.monotonic() < this.retryAt) return null;
    this.retryAt = this.clocks.monotonic() + RETRY_AFTER_MS;
    this.anchoring = this.anchorAgain()
      .catch((error: unknown) => {
        if (!this.isFailing) this.logger.warn(`no time from the database: ${String(error)}`);
        this.isFailing = true;
      })
      .finally(() => {
        this.anchoring = null;
      });
    return this.anchoring;
  }

  private async anchorAgain(): Promise<void> {
    // The connections of a machine that was suspended may be dead; the first error removes them.
    const measured = await this.measure().catch(() => this.measure());
    this.isFailing = false;
    if (this.isExpected(measured)) return this.follow(measured);
    const isConfirmed = this.step !== null && agree(this.step.anchor, measured);
    const confirmations = isConfirmed && this.step ? this.step.confirmations + 1 : 0;
    if (confirmations < CONFIRMATIONS) {
      this.step = { anchor: measured, confirmations };
      return;
    }
    const seconds = Math.round((measured.offsetMs - this.anchor.offsetMs) / 1000);
    this.logger.warn(
      `the clock of the database was set by ${seconds} s: ${CONFIRMATIONS + 1} measurements agree, so this process follows. ` +
        `Sessions and tokens live by that clock: keep the time on the machines of the database (NTP).`,
    );
    this.latest = Number.NEGATIVE_INFINITY;
    this.follow(measured);
  }

  /** A small step, or one of this process's own clock. */
  private isExpected(measured: Anchor): boolean {
    return Math.abs(measured.offsetMs - this.anchor.offsetMs) <= MAX_STEP_MS || this.hadStopped(measured);
  }

  /** The wall clock of this machine made the same step, so the monotonic clock had stopped. */
  private hadStopped({ offsetMs, wallOffsetMs }: Anchor): boolean {
    const stepMs = offsetMs - this.anchor.offsetMs;
    const wallStepMs = wallOffsetMs - this.anchor.wallOffsetMs;
    return stepMs > 0 && Math.abs(stepMs - wallStepMs) <= AGREEMENT_MS;
  }

  private follow(measured: Anchor): void {
    // A small step may be longer than a grace period.
    if (!agree(this.anchor, measured) && !this.hadStopped(measured)) this.steppedAt = this.clocks.monotonic();
    this.adopt(measured);
  }

  private adopt(anchor: Anchor): void {
    this.anchor = anchor;
    this.step = null;
    this.isAnchored = true;
    this.retryAt = Number.NEGATIVE_INFINITY;
  }

  /** The first measurement with a short round trip; otherwise the one with the shortest. */
  private async measure(): Promise<Anchor> {
    let best = await this.measureOnce();
    for (let tries = 1; tries < MAX_TRIES && best.roundTripMs > GOOD_ROUND_TRIP_MS; tries += 1) {
      const next = await this.measureOnce();
      if (next.roundTripMs < best.roundTripMs) best = next;
    }
    return best;
  }

  private async measureOnce(): Promise<Anchor> {
    await this.connection.asPromise();
    const before = momentNow(this.clocks);
    const hello = await this.connection.db?.admin().command({ hello: 1 });
    const after = momentNow(this.clocks);
    const serverTime: unknown = hello?.['localTime'];
    const middle = (before.monotonic + after.monotonic) / 2;
    return {
      // A server that reports no time counts as having this machine's clock.
      offsetMs: serverTime instanceof Date ? serverTime.getTime() - middle : after.wall - after.monotonic,
      wallOffsetMs: after.wall - after.monotonic,
      takenAt: after.monotonic,
      // The monotonic clock may have stopped meanwhile.
      roundTripMs: Math.max(after.monotonic - before.monotonic, Math.abs(after.wall - before.wall)),
    };
  }
}

function agree(a: Anchor, b: Anchor): boolean {
  return Math.abs(a.offsetMs - b.offsetMs) <= AGREEMENT_MS + (a.roundTripMs + b.roundTripMs) / 2;
}
