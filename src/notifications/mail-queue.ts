import type { LoggerService } from '@nestjs/common';
import pLimit from 'p-limit';
import { MailRefusedError } from '../core/mail.js';
import { atMost } from '../database/at-most.js';

export interface MailQueuePolicy {
  /** Messages under way or waiting; beyond it a new one is dropped. */
  readonly capacity: number;
  /** Messages that are made at once: they ask the database, and wait behind no mail server. */
  readonly preparations: number;
  /** Messages that are sent at once. */
  readonly concurrency: number;
  /** An attempt that takes longer has failed. */
  readonly attemptTimeoutMs: number;
  /** Pauses before each further attempt; after the last one the message is given up. */
  readonly retryAfterMs: readonly number[];
}

/** A mail server that restarts is waited for; a message that is hours old would only alarm. */
export const MAIL_QUEUE_POLICY: MailQueuePolicy = {
  capacity: 1000,
  preparations: 16,
  concurrency: 4,
  attemptTimeoutMs: 30_000,
  retryAfterMs: [1000, 5000, 30_000, 120_000],
};

/** How the mail of this process has done since its start. */
export interface MailStats {
  /** Messages that are under way or wait for another attempt. */
  readonly waiting: number;
  readonly sent: number;
  /** Attempts that were made again. */
  readonly retried: number;
  /** Messages that were given up: refused, or tried too often, or waiting when the process stopped. */
  readonly failed: number;
  /** Messages for which there was no room. */
  readonly dropped: number;
}

/** A message on its way. */
export interface MailJob {
  /** For the log; names nobody. */
  readonly label: string;
  /** Done before each attempt. False: there is nobody to send it to, which is no failure. */
  readonly prepare: () => Promise<boolean>;
  /** Makes one attempt. */
  readonly send: (signal: AbortSignal) => Promise<void>;
  /** It will never arrive. */
  readonly givenUp: () => void;
}

/** Sends messages off the path of requests, a few at once, again where that helps, in bounded memory. */
export class MailQueue {
  private readonly preparing;
  private readonly sending;
  private readonly jobs = new Set<MailJob>();
  /** Jobs that pause before another attempt. */
  private readonly pausing = new Map<MailJob, { timer: NodeJS.Timeout; resume: () => void }>();
  /** What is under way; each is aborted when it takes too long, or the process stops. */
  private readonly underWay = new Set<AbortController>();
  private isDraining = false;
  private isStopped = false;
  private whenEmpty: (() => void)[] = [];
  private sent = 0;
  private retried = 0;
  private failed = 0;
  private dropped = 0;

  constructor(
    private readonly logger: Pick<LoggerService, 'warn' | 'error'>,
    private readonly policy: MailQueuePolicy = MAIL_QUEUE_POLICY,
  ) {
    this.preparing = pLimit(policy.preparations);
    this.sending = pLimit(policy.concurrency);
  }

  get stats(): MailStats {
    const { sent, retried, failed, dropped } = this;
    return { waiting: this.jobs.size, sent, retried, failed, dropped };
  }

  /** False where there is no room. */
  push(job: MailJob): boolean {
    if (this.jobs.size >= this.policy.capacity || this.isStopped) {
      this.dropped += 1;
      // Once in a while, not for each: what fills a queue would fill the log as well.
      if (this.dropped % this.policy.capacity === 1)
        this.logger.error(`mail is dropped, ${this.jobs.size} messages wait: ${job.label}`);
      return false;
    }
    this.jobs.add(job);
    void this.deliver(job).finally(() => this.remove(job));
    return true;
  }

  /** Resolves when no message waits. */
  async idle(): Promise<void> {
    if (this.jobs.size > 0) await new Promise<void>((resolve) => this.whenEmpty.push(resolve));
  }

  /** Makes a last attempt at what waits, and gives up what is left when the time is over. */
  async drain(limitMs: number): Promise<void> {
    this.isDraining = true;
    for (const { resume } of this.pausing.values()) resume();
    await atMost(limitMs, this.idle());
    this.isStopped = true;
    for (const attempt of this.underWay) attempt.abort();
    const lost = this.jobs.size;
    if (lost === 0) return;
    this.failed += lost;
    this.logger.error(`${lost} ${lost === 1 ? 'message was' : 'messages were'} not sent: the process stops`);
  }

  private async deliver(job: MailJob): Promise<void> {
    for (let failures = 0; ;) {
      const error = await this.attempt(job);
      if (error === null || this.isStopped) return;
      const pauseMs = this.policy.retryAfterMs[failures];
      failures += 1;
      if (pauseMs === undefined || this.isDraining || error instanceof MailRefusedError) {
        this.failed += 1;
        const attempts = `${failures} ${failures === 1 ? 'attempt' : 'attempts'}`;
        this.logger.error(`mail was given up after ${attempts}, ${job.label}: ${describe(error)}`);
        job.givenUp();
        return;
      }
      this.logger.warn(`mail is tried again in ${pauseMs} ms, ${job.label}: ${describe(error)}`);
      this.retried += 1;
      await this.pause(job, pauseMs);
    }
  }

  /** What went wrong; null where nothing did. */
  private async attempt({ prepare, send }: MailJob): Promise<unknown> {
    try {
      if (!(await this.preparing(() => this.inTime(prepare)))) return null;
      await this.sending(() => this.inTime(send));
      this.sent += 1;
      return null;
    } catch (error) {
      return error ?? new Error('the mailer rejected without a reason');
    }
  }

  private async inTime<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    // It waited its turn for too long: the host's database and mailer may be gone.
    if (this.isStopped) throw new Error('the process stops');
    const attempt = new AbortController();
    const timer = setTimeout(
      () => attempt.abort(new DOMException('no answer in time', 'TimeoutError')),
      this.policy.attemptTimeoutMs,
    );
    timer.unref();
    this.underWay.add(attempt);
    // Raced as well: a mailer may not heed the signal.
    const aborted = new Promise<never>((_resolve, reject) =>
      attempt.signal.addEventListener('abort', () => reject(attempt.signal.reason as Error), { once: true }),
    );
    try {
      return await Promise.race([work(attempt.signal), aborted]);
    } finally {
      clearTimeout(timer);
      this.underWay.delete(attempt);
    }
  }

  private async pause(job: MailJob, ms: number): Promise<void> {
    await new Promise<void>((resume) => {
      const timer = setTimeout(resume, ms);
      timer.unref();
      this.pausing.set(job, { timer, resume });
    });
    clearTimeout(this.pausing.get(job)?.timer);
    this.pausing.delete(job);
  }

  private remove(job: MailJob): void {
    this.jobs.delete(job);
    if (this.jobs.size > 0) return;
    for (const resolve of this.whenEmpty.splice(0)) resolve();
  }
}

/** Names and codes of an error and what caused it, never their words: a mail server quotes addresses in them. */
function describe(error: unknown): string {
  const { name, code, responseCode, cause } = Object(error) as Record<string, unknown>;
  const isShown = (part: unknown) =>
    typeof part === 'number' || (typeof part === 'string' && /^\w+$/.test(part));
  const shown = [name, code, responseCode].filter(isShown);
  if (error instanceof MailRefusedError && cause !== undefined) shown.push(describe(cause));
  return shown.join(' ') || 'an error without a name';
}
