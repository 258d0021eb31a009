import { describe, expect, it, jest } from '@jest/globals';
import { MailRefusedError } from '../../src/index.js';
import { type MailJob, MailQueue, type MailQueuePolicy } from '../../src/notifications/mail-queue.js';

const POLICY: MailQueuePolicy = {
  capacity: 10,
  preparations: 3,
  concurrency: 2,
  attemptTimeoutMs: 200,
  retryAfterMs: [1, 1],
};

function newQueue(policy: Partial<MailQueuePolicy> = {}) {
  const logger = { warn: jest.fn<(text: string) => void>(), error: jest.fn<(text: string) => void>() };
  return { queue: new MailQueue(logger, { ...POLICY, ...policy }), logger };
}

const job = (send: MailJob['send'], givenUp = () => {}): MailJob => ({
  label: 'test',
  prepare: async () => true,
  send,
  givenUp,
});
const never = () => new Promise<never>(() => {});

describe(MailQueue.name, () => {
  it('retries failed messages, and sends each once', async () => {
    const { queue } = newQueue();
    let attempts = 0;
    queue.push(
      job(async () => {
        attempts += 1;
        if (attempts < 3) throw new Error('not now');
      }),
    );
    await queue.idle();
    expect(attempts).toBe(3);
    expect(queue.stats).toEqual({ waiting: 0, sent: 1, retried: 2, failed: 0, dropped: 0 });
  });

  it('gives up after the last attempt, and logs it', async () => {
    const { queue, logger } = newQueue();
    const givenUp = jest.fn();
    queue.push(job(() => Promise.reject(new Error('never')), givenUp));
    await queue.idle();
    expect(queue.stats).toEqual({ waiting: 0, sent: 0, retried: 2, failed: 1, dropped: 0 });
    expect(givenUp).toHaveBeenCalledTimes(1);
    expect(logger.error).toHaveBeenCalledTimes(1);
  });

  it('does not retry a permanent refusal', async () => {
    const { queue } = newQueue();
    queue.push(job(() => Promise.reject(new MailRefusedError('no such mailbox'))));
    await queue.idle();
    expect(queue.stats).toMatchObject({ retried: 0, failed: 1 });
  });

  it('logs the name and code of an error, and never its message', async () => {
    const { queue, logger } = newQueue();
    const error = Object.assign(new Error('550 <ada@example.com> token=secret'), { code: 'EENVELOPE' });
    queue.push(job(() => Promise.reject(error)));
    await queue.idle();
    const lines = JSON.stringify([logger.warn.mock.calls, logger.error.mock.calls]);
    expect(lines).toContain('Error EENVELOPE');
    expect(lines).not.toContain('ada@example.com');
    expect(lines).not.toContain('secret');
  });

  it("logs the mail server's answer to a message it refused permanently", async () => {
    const { queue, logger } = newQueue();
    const cause = Object.assign(new Error('550 <ada@example.com>'), { code: 'EENVELOPE', responseCode: 550 });
    queue.push(job(() => Promise.reject(new MailRefusedError('refused', { cause }))));
    await queue.idle();
    expect(logger.error.mock.calls).toEqual([
      ['mail was given up after 1 attempt, test: MailRefusedError Error EENVELOPE 550'],
    ]);
  });

  it('counts an attempt that hangs as failed, and continues with others in the meantime', async () => {
    const { queue } = newQueue({ retryAfterMs: [] });
    const signals: AbortSignal[] = [];
    queue.push(
      job((signal) => {
        signals.push(signal);
        return never();
      }),
    );
    queue.push(job(async () => {}));
    await queue.idle();
    expect(queue.stats).toMatchObject({ sent: 1, failed: 1 });
    expect(signals[0]?.aborted).toBe(true);
  });

  it('sends a few at once', async () => {
    const { queue } = newQueue({ attemptTimeoutMs: 5000 });
    let atOnce = 0;
    let most = 0;
    for (let index = 0; index < 10; index += 1)
      queue.push(
        job(async () => {
          most = Math.max(most, (atOnce += 1));
          await new Promise((resolve) => setImmediate(resolve));
          atOnce -= 1;
        }),
      );
    await queue.idle();
    expect(most).toBe(2);
    expect(queue.stats.sent).toBe(10);
  });

  it('prepares messages while all sends hang, a few at once, and retries failed ones', async () => {
    const { queue } = newQueue({ attemptTimeoutMs: 60_000 });
    let [atOnce, most, prepared] = [0, 0, 0];
    const prepare = async () => {
      most = Math.max(most, (atOnce += 1));
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      if ((prepared += 1) === 1) throw new Error('not now');
      return true;
    };
    for (let index = 0; index < 8; index += 1) queue.push({ ...job(never), prepare });
    while (prepared < 9) await new Promise((resolve) => setImmediate(resolve));
    expect(most).toBe(3);
    expect(queue.stats).toMatchObject({ waiting: 8, sent: 0, retried: 1 });
    await queue.drain(1);
  });

  it('is bounded; dropped messages are counted, and logged once', async () => {
    const { queue, logger } = newQueue({ attemptTimeoutMs: 60_000 });
    const taken = Array.from({ length: 15 }, () => queue.push(job(never)));
    expect(taken.filter(Boolean)).toHaveLength(10);
    expect(queue.stats).toMatchObject({ waiting: 10, dropped: 5 });
    expect(logger.error).toHaveBeenCalledTimes(1);
    await queue.drain(1);
    expect(queue.stats.failed).toBe(10);
  });

  it('makes a last attempt for waiting messages when it is drained', async () => {
    const { queue } = newQueue({ retryAfterMs: [60_000] });
    let attempts = 0;
    let failed: () => void = () => {};
    const firstFailed = new Promise<void>((resolve) => (failed = resolve));
    queue.push(
      job(async () => {
        attempts += 1;
        if (attempts > 1) return;
        setImmediate(failed);
        throw new Error('not now');
      }),
    );
    await firstFailed;
    await queue.drain(5000);
    expect(queue.stats).toMatchObject({ waiting: 0, sent: 1, failed: 0 });
  });

  it('waits for a hanging attempt only for the given time, and logs what is lost', async () => {
    const { queue, logger } = newQueue({ attemptTimeoutMs: 60_000 });
    queue.push(job(never));
    const began = performance.now();
    await queue.drain(50);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(queue.stats.failed).toBe(1);
    expect(logger.error.mock.calls).toEqual([['1 message was not sent: the process stops']]);
    expect(queue.push(job(async () => {}))).toBe(false);
  });

  it('starts nothing once the time is over, neither sending nor preparing', async () => {
    const { queue } = newQueue({ attemptTimeoutMs: 60_000, concurrency: 1, preparations: 2 });
    const begun: string[] = [];
    let prepared: () => void = () => {};
    const isPrepared = new Promise<void>((resolve) => (prepared = resolve));
    queue.push({ ...job(never), label: 'hangs' });
    const inTurn = job(async () => void begun.push('sent'));
    queue.push({ ...inTurn, prepare: async () => Boolean(setImmediate(prepared)) });
    for (let index = 0; index < 2; index += 1) queue.push({ ...job(never), prepare: never });
    queue.push({ ...inTurn, prepare: async () => Boolean(begun.push('prepared')) });
    await isPrepared;
    await queue.drain(1);
    await queue.idle();
    expect(begun).toEqual([]);
    expect(queue.stats).toMatchObject({ waiting: 0, sent: 0, failed: 5 });
  });

  it('leaves no timer behind after an attempt', async () => {
    const { queue } = newQueue({ attemptTimeoutMs: 60_000 });
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    let signal: AbortSignal | undefined;
    queue.push(job(async (given) => void (signal = given)));
    await queue.idle();
    expect(timers()).toBe(before);
    // The signal of a sent message is never aborted.
    await queue.drain(1);
    expect(signal?.aborted).toBe(false);
  });

  it('a message without a recipient is neither sent nor failed', async () => {
    const { queue } = newQueue();
    queue.push({ ...job(never), prepare: async () => false });
    await queue.idle();
    expect(queue.stats).toEqual({ waiting: 0, sent: 0, retried: 0, failed: 0, dropped: 0 });
  });
});
