import { randomUUID } from 'node:crypto';
import { MAX_SILENCE_MS } from '../core/limits.js';
import type { RevocationEntry, RevocationKey, RevocationObserver, RevocationWatch } from '../core/ports.js';
import { withTimeout } from '../core/with-timeout.js';

/** The connection on which a {@link RedisRevocationStore} listens. */
export interface RedisSubscriber {
  connect(): Promise<unknown>;
  subscribe(channels: string[], listener: (message: string, channel: string) => void): Promise<void>;
  on(event: string, listener: (reason: unknown) => void): unknown;
  /** A promise, if it is that of a sentinel. */
  destroy(): unknown;
}

/** Interval of the messages that the watch sends to itself through Redis: the only proof that messages still arrive. */
const HEARTBEAT_MS = 1_000;

export interface RedisRevocationWatchInit {
  readonly subscriber: RedisSubscriber;
  readonly channel: string;
  readonly publish: (channel: string, message: string) => Promise<unknown>;
  readonly observer: RevocationObserver;
}

/** The message that is published for an entry. */
export function messageOf({ key, expiresAt }: RevocationEntry): string {
  return `${expiresAt.getTime()} ${key}`;
}

function entryOf(message: string): RevocationEntry | null {
  const [, at, key] = /^(\d+) ((?:jti|sid|gen|ver|rol):.+)$/.exec(message) ?? [];
  return at && key ? { key: key as RevocationKey, expiresAt: new Date(Number(at)) } : null;
}

/**
 * Follows a channel. The first error ends this watch, because the client would reconnect by itself and miss everything that is
 * published in between.
 */
export class RedisRevocationWatch implements RevocationWatch {
  readonly description = 'Redis pub/sub';
  private readonly heartbeatChannel: string;
  /** Aborted when the watch is lost or closed. */
  private readonly over = new AbortController();
  private heartbeat: NodeJS.Timeout | undefined;
  private silence: NodeJS.Timeout | undefined;

  private constructor(private readonly init: RedisRevocationWatchInit) {
    this.heartbeatChannel = `${init.channel}:heartbeat:${randomUUID()}`;
  }

  /** Resolves when Redis has confirmed the subscription: everything that is published from then on is pushed. */
  static async open(init: RedisRevocationWatchInit): Promise<RedisRevocationWatch> {
    const watch = new RedisRevocationWatch(init);
    try {
      await withTimeout(() => watch.begin(), MAX_SILENCE_MS, watch.over.signal);
    } catch (error) {
      await watch.close();
      throw error;
    }
    return watch;
  }

  close(): Promise<void> {
    this.end(new Error('closed'));
    return Promise.resolve();
  }

  private async begin(): Promise<void> {
    const { subscriber, channel } = this.init;
    subscriber.on('error', (reason) => this.lose(reason));
    subscriber.on('reconnecting', () => this.lose(new Error('the connection was lost')));
    subscriber.on('end', () => this.lose(new Error('the connection was closed')));
    await subscriber.connect();
    await subscriber.subscribe([channel, this.heartbeatChannel], (message, from) => this.hear(message, from));
    if (this.isOver) return;
    this.listen();
    this.heartbeat = setInterval(() => {
      // A failure leads to silence, which ends the watch.
      this.init.publish(this.heartbeatChannel, '').catch(() => undefined);
    }, HEARTBEAT_MS);
    this.heartbeat.unref();
  }

  private hear(message: string, from: string): void {
    if (this.isOver) return;
    if (from === this.heartbeatChannel) return this.listen();
    const entry = entryOf(message);
    if (entry) this.init.observer.entriesAdded([entry]);
  }

  private get isOver(): boolean {
    return this.over.signal.aborted;
  }

  /** Waits for the next sign of life. */
  private listen(): void {
    clearTimeout(this.silence);
    const silent = new Error(`silent for ${MAX_SILENCE_MS} ms`);
    this.silence = setTimeout(() => this.lose(silent), MAX_SILENCE_MS).unref();
  }

  private lose(reason: unknown): void {
    if (this.isOver) return;
    this.end(reason);
    this.init.observer.watchLost(reason);
  }

  private end(reason: unknown): void {
    if (this.isOver) return;
    this.over.abort(reason);
    clearInterval(this.heartbeat);
    clearTimeout(this.silence);
    // It was closed already, or never open.
    void (async () => this.init.subscriber.destroy())().catch(() => undefined);
  }
}
