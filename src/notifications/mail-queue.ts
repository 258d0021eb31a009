import { setMaxListeners } from 'node:events';
import type { LoggerService } from '@nestjs/common';
import pLimit from 'p-limit';
import { MailRefusedError } from '../core/mail.js';
import { withTimeout } from '../core/with-timeout.js';

export interface MailQueuePolicy {
  /** Maximum messages in progress or waiting; further ones are dropped. */
  readonly capacity: number;
  /** Messages composed in parallel: they query the database, and do not wait for the mail server. */
  readonly preparations: number;
  /** Messages sent in parallel. */
  readonly concurrency: number;
  /** An attempt that takes longer counts as failed. */
  readonly attemptTimeoutMs: number;
  /** Delays before the retries; after the last retry the message is given up. */
  readonly retryAfterMs: readonly number[];
}

/** Retries long enough for a mail server to restart. A message that is hours old would only cause alarm. */
const MAIL_QUEUE_POLICY: MailQueuePolicy = {
  capacity: 1000,
  preparations: 16,
  concurrency: 4,
  attemptTimeoutMs: 30_000,
  retryAfterMs: [1000, 5000, 30_000, 120_000],
};

/** Figures of this process since its start. */
export interface MailStats {
  /** Messages in progress or waiting for another attempt. */
  readonly waiting: number;
  readonly sent: number;
  /** Retries. */
  readonly retried: number;
  /** Messages given up: refused, retried too often, or waiting when the process stopped. */
  readonly failed: number;
  /** Messages that were dropped because the queue was full. */
  readonly dropped: number;
}

/** A message in the queue. */
export interface MailJob {
  /** For the log; contains no personal data. */
  readonly label: string;
  /** Runs before each attempt. Returns false if there is no recipient, which is not a failure. */
  readonly prepare: () => Promise<boolean>;
  /** Makes one attempt. */
  readonly send: (signal: AbortSignal) => Promise<void>;
  /** Called when the message is given up. */
  readonly givenUp: () => void;
}

/** Sends messages off the path of requests: a few in parallel, with retries, in bounded memory. */
export class MailQueue {
  private readonly preparing;
  private readonly sending;
  private readonly jobs = new Set<MailJob>();
  /** Jobs that pause before a retry. */
  private readonly pausing = new Map<MailJob, { timer: NodeJS.Timeout; resume: () => void }>();
  /** Aborts the attempts in progress. */
  private readonly stopping = new AbortController();
  private isDraining = false;
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
    // Every attempt in progress listens; Node would warn from the eleventh listener on.
    setMaxListeners(0, this.stopping.signal);
  }

  get stats(): MailStats {
    const { sent, retried, failed, dropped } = this;
    return { waiting: this.jobs.size, sent, retried, failed, dropped };
  }

  /** Returns false if the queue is full. */
  push(job: MailJob): boolean {
    if (this.jobs.size >= this.policy.capacity || this.isStopped) {
      this.dropped += 1;
      // Not logged for each message: a flood that fills the queue would fill the log too.
      if (this.dropped % this.policy.capacity === 1)
        this.logger.error(
          this.isStopped
            ? `mail is dropped, because the application ends: ${job.label}`
            : `mail is dropped, ${this.jobs.size} messages wait: ${job.label}`,
        );
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

  /** Makes a last attempt for waiting messages, and gives up those that are left after the time limit. */
  async drain(limitMs: number): Promise<void> {
    this.isDraining = true;
    for (const { resume } of this.pausing.values()) resume();
    await withTimeout(() => this.idle(), limitMs).catch(() => undefined);
    this.stopping.abort();
    const lost = this.jobs.size;
    if (lost === 0) return;
    this.failed += lost;
    this.logger.error(`${lost} ${lost === 1 ? 'message was' : 'messages were'} not sent: the process stops`);
  }

  private async deliver(job: MailJob): Promise<void> {
    let failures = 0;
    while (true) {
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

  /** The error of the attempt; null if it succeeded. */
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
    // Abort when the process stops: the host's database and mailer may be gone by then.
    return withTimeout(work, this.policy.attemptTimeoutMs, this.stopping.signal);
  }

  private get isStopped(): boolean {
    return this.stopping.signal.aborted;
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

/** Names and codes of an error and its cause, never the messages: mail servers quote addresses in them. */
function describe(error: unknown): string {
  const { name, code, responseCode, cause } = Object(error) as Record<string, unknown>;
  const isShown = (part: unknown) =>
    typeof part === 'number' || (typeof part === 'string' && /^\w+$/.test(part));
  const shown = [name, code, responseCode].filter(isShown);
  if (error instanceof MailRefusedError && cause !== undefined) shown.push(describe(cause));
  return shown.join(' ') || 'an error without a name';
}
