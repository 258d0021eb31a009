import type { LoggerService } from '@nestjs/common';

const RETRY_MS = 1000;
/** An outage is logged when it begins, and then at this interval. */
const REMIND_MS = 60_000;
/** A write without an answer counts as failed after each such period. The process still waits for it. */
const STALLED_MS = 10_000;

/**
 * A write off the path of requests: one at a time, when it is due, retried until it succeeds. Failures are logged and
 * counted, not thrown. While the database does not answer, no second command is sent: rows would pile up in memory.
 */
export class BackgroundWrite {
  failures = 0;
  private timer: NodeJS.Timeout | undefined;
  private delayMs = 0;
  private next: number | null = null;
  private running: Promise<void> | null = null;
  private remindAt: number | null = null;
  private isStopped = false;

  constructor(
    private readonly write: () => Promise<void>,
    /** Describes the waiting data, for the log. */
    private readonly describe: () => string,
    private readonly logger: Pick<LoggerService, 'log' | 'warn'>,
  ) {}

  /** The latest attempt has failed, or has had no answer for a long time. */
  get isFailing(): boolean {
    return this.remindAt !== null;
  }

  /** A write is in progress. */
  get isRunning(): boolean {
    return this.running !== null;
  }

  /** Schedules a write within this time. */
  due(delayMs: number): void {
    if (this.running) this.next = Math.min(this.next ?? delayMs, delayMs);
    // After a failure, the time of the next attempt is fixed.
    else if (!this.isFailing && (!this.timer || delayMs < this.delayMs)) this.arm(delayMs);
  }

  /** Writes now, once. Resolves when the write has succeeded or failed. */
  async flush(): Promise<void> {
    await this.running;
    await this.run();
  }

  /** Ends the attempts. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.next = null;
  }

  private arm(delayMs: number): void {
    // A write in progress must not schedule another one: the process may outlive the application and its database.
    if (this.isStopped) return;
    clearTimeout(this.timer);
    this.delayMs = delayMs;
    this.timer = setTimeout(() => void this.run(), delayMs);
    this.timer.unref();
  }

  private run(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.running ??= this.attempt().finally(() => {
      this.running = null;
      const delayMs = this.isFailing ? RETRY_MS : this.next;
      this.next = null;
      if (delayMs !== null) this.arm(delayMs);
    });
    return this.running;
  }

  private async attempt(): Promise<void> {
    const stalled = setInterval(() => this.failed('no answer'), STALLED_MS);
    stalled.unref();
    try {
      await this.write();
      if (this.isFailing) this.logger.log(`the database takes the audit log again; ${this.describe()}`);
      this.remindAt = null;
    } catch (error) {
      this.failed(String(error));
    } finally {
      clearInterval(stalled);
    }
  }

  private failed(why: string): void {
    this.failures += 1;
    const now = performance.now();
    if (this.remindAt !== null && now < this.remindAt) return;
    this.remindAt = now + REMIND_MS;
    this.logger.warn(`the audit log waits for the database, ${this.describe()}: ${why}`);
  }
}
