import { Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Connection } from 'mongoose';
import type { Clock } from '../core/ports.js';
import { withTimeout } from '../core/with-timeout.js';
import { type Moment, momentNow, OWN_CLOCKS, type ProcessClocks } from './process-clocks.js';
import { orUnavailable } from './unavailable.js';

const ANCHOR_INTERVAL_MS = 60_000;
const LOOK_INTERVAL_MS = 1_000;
/** Less than the interval, which fires a little early or late. */
const RETRY_AFTER_MS = 900;
/** When the clocks of this process have moved apart by more, one of them stood still or was set. */
const MAX_DRIFT_MS = 1_000;
/** A larger step of the database's clock must be confirmed by more measurements, a second apart. */
const MAX_STEP_MS = 30_000;
const CONFIRMATIONS = 2;
/** Two measurements of one clock may differ by half their round trips. */
const AGREEMENT_MS = 1_000;
/** A slower answer is asked for again: the process may have stood still meanwhile. */
const GOOD_ROUND_TRIP_MS = 500;
const MAX_TRIES = 3;
/** How long no verdict is made after a large step: longer than any sensible grace period. */
const IN_DOUBT_MS = 60_000;
/** How long a request waits for the time. */
const SETTLE_WITHIN_MS = 2_000;

interface Anchor {
  /** What the monotonic clock lacks to the time of the database. */
  readonly offsetMs: number;
  /** What it lacks to the wall clock of this machine. */
  readonly wallOffsetMs: number;
  readonly takenAt: number;
  readonly roundTripMs: number;
}

/**
 * One clock for all processes on one database: monotonic, anchored to the server's time (`hello.localTime`) at boot, every
 * minute, and whenever the monotonic and the wall clock of this process have moved apart, as they do when a machine is
 * suspended. Two processes whose clocks differ would take each other's rotations for theft.
 *
 * A small step back is held: the time stands still until the database has caught up. A step of more than 30 s is believed
 * once three measurements in a row agree, and is then followed in both directions. Holding such a step, too, would make
 * this process refuse, for as long as it is, the access tokens of every process that started after it. What was decided
 * before it stays decided without that: revocations are kept by the monotonic clock, and an access token from the future
 * counts as revoked (`RevocationService`).
 */
export class DatabaseClock implements Clock, OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('DatabaseClock');
  private anchor: Anchor;
  private isAnchored = false;
  private isStopped = false;
  private anchoring: Promise<void> | null = null;
  /** A large step that waits to be confirmed. */
  private step: { readonly anchor: Anchor; readonly confirmations: number } | null = null;
  /** On the monotonic clock: the next measurement is not taken before. */
  private retryAt = Number.NEGATIVE_INFINITY;
  /** An outage is reported once. */
  private isFailing = false;
  private latest = Number.NEGATIVE_INFINITY;
  /** On the monotonic clock: when a large step was believed. */
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

  /** Set from when the clocks of this process have moved apart until the database has been asked. */
  get settling(): Promise<void> | null {
    if (!this.isAnchored || !this.isDrift(momentNow(this.clocks))) return null;
    const anchoring = this.anchorSoon();
    return anchoring && withTimeout(() => anchoring, SETTLE_WITHIN_MS).catch(() => undefined);
  }

  async onModuleInit(): Promise<void> {
    this.adopt(await this.measure());
    // Until now it was the time of this machine.
    this.latest = Number.NEGATIVE_INFINITY;
    this.timer = setInterval(() => this.look(), LOOK_INTERVAL_MS);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.isStopped = true;
  }

  /** Times that were written before a step and after it cannot be compared. */
  get isInDoubt(): boolean {
    return this.step !== null || this.clocks.monotonic() - this.steppedAt < IN_DOUBT_MS;
  }

  /**
   * The time of the database at this moment. While a large step of its clock is not confirmed, the time as it was before:
   * no verdict is made by a clock that may be wrong.
   */
  async read(): Promise<number> {
    const measured = await orUnavailable(() => this.measure());
    if (this.isExpected(measured)) this.adopt(measured);
    else void this.anchorSoon();
    return Math.floor(this.clocks.monotonic() + this.anchor.offsetMs);
  }

  private look(): void {
    const ageMs = this.clocks.monotonic() - this.anchor.takenAt;
    if (ageMs >= ANCHOR_INTERVAL_MS || this.step || this.isDrift(momentNow(this.clocks))) void this.anchorSoon();
  }

  private isDrift({ monotonic, wall }: Moment): boolean {
    return Math.abs(wall - monotonic - this.anchor.wallOffsetMs) > MAX_DRIFT_MS;
  }

  /** Null shortly after the last attempt. Never rejects: without an answer, the clock goes on from the last anchor. */
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
    if (this.isExpected(measured)) return this.adopt(measured);
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
    this.steppedAt = this.clocks.monotonic();
    this.adopt(measured);
  }

  /** A small step, or one that the wall clock of this machine saw as well: then the monotonic clock stood still. */
  private isExpected({ offsetMs, wallOffsetMs }: Anchor): boolean {
    const stepMs = offsetMs - this.anchor.offsetMs;
    const wallStepMs = wallOffsetMs - this.anchor.wallOffsetMs;
    return Math.abs(stepMs) <= MAX_STEP_MS || (stepMs > 0 && Math.abs(stepMs - wallStepMs) <= AGREEMENT_MS);
  }

  private adopt(anchor: Anchor): void {
    this.anchor = anchor;
    this.step = null;
    this.isAnchored = true;
    this.retryAt = Number.NEGATIVE_INFINITY;
  }

  /** The best of a few measurements: the first with a short round trip, else the one with the shortest. */
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
      // A server without a clock has this machine's.
      offsetMs: serverTime instanceof Date ? serverTime.getTime() - middle : after.wall - after.monotonic,
      wallOffsetMs: after.wall - after.monotonic,
      takenAt: after.monotonic,
      // The monotonic clock may have stood still meanwhile.
      roundTripMs: Math.max(after.monotonic - before.monotonic, Math.abs(after.wall - before.wall)),
    };
  }
}

function agree(a: Anchor, b: Anchor): boolean {
  return Math.abs(a.offsetMs - b.offsetMs) <= AGREEMENT_MS + (a.roundTripMs + b.roundTripMs) / 2;
}
