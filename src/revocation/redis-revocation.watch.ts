import { randomUUID } from 'node:crypto';
import type { RevocationEntry, RevocationKey, RevocationObserver, RevocationWatch } from '../core/ports.js';
import type { RedisSubscriber } from './redis-client.js';
import { SilenceAlarm } from './silence-alarm.js';

/** A message to itself, through Redis and back: the only proof that messages still arrive. */
const HEARTBEAT_MS = 1_000;

export interface RedisRevocationWatchInit {
  readonly subscriber: RedisSubscriber;
  readonly channel: string;
  readonly publish: (channel: string, message: string) => Promise<unknown>;
  readonly observer: RevocationObserver;
}

/** What is published of an entry. */
export function messageOf({ key, expiresAt }: RevocationEntry): string {
  return `${expiresAt.getTime()} ${key}`;
}

function entryOf(message: string): RevocationEntry | null {
  const [, at, key] = /^(\d+) ((?:jti|sid|gen|ver):.+)$/.exec(message) ?? [];
  return at && key ? { key: key as RevocationKey, expiresAt: new Date(Number(at)) } : null;
}

/**
 * Follows a channel. The client would reconnect and subscribe again by itself, and nobody would know what was published
 * meanwhile: the first sign of trouble is the end of this watch.
 */
export class RedisRevocationWatch implements RevocationWatch {
  readonly description = 'Redis pub/sub';
  private readonly heartbeatChannel: string;
  private isOver = false;
  private heartbeat: NodeJS.Timeout | undefined;
  private readonly silence = new SilenceAlarm((reason) => this.lose(reason));

  private constructor(private readonly init: RedisRevocationWatchInit) {
    this.heartbeatChannel = `${init.channel}:heartbeat:${randomUUID()}`;
  }

  /** Resolves when Redis has subscribed it: what is published from then on will be told. */
  static async open(init: RedisRevocationWatchInit): Promise<RedisRevocationWatch> {
    const watch = new RedisRevocationWatch(init);
    let fail: (reason: unknown) => void = () => {};
    const failed = new Promise<never>((_, reject) => (fail = reject));
    watch.listen();
    try {
      await Promise.race([watch.begin((reason) => fail(reason)), failed]);
    } catch (error) {
      await watch.close();
      throw error;
    }
    return watch;
  }

  close(): Promise<void> {
    if (!this.isOver) this.end();
    return Promise.resolve();
  }

  private async begin(fail: (reason: unknown) => void): Promise<void> {
    const { subscriber, channel } = this.init;
    const lose = (reason: unknown) => {
      fail(reason);
      this.lose(reason);
    };
    subscriber.on('error', lose);
    subscriber.on('reconnecting', () => lose(new Error('the connection was lost')));
    subscriber.on('end', () => lose(new Error('the connection was closed')));
    await subscriber.connect();
    await subscriber.subscribe([channel, this.heartbeatChannel], (message, from) => this.hear(message, from));
    this.listen();
    this.heartbeat = setInterval(() => {
      // Where it fails, silence follows.
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

  private listen(): void {
    if (this.isOver) return;
    this.silence.reset();
  }

  private lose(reason: unknown): void {
    if (this.isOver) return;
    this.end();
    this.init.observer.watchLost(reason);
  }

  private end(): void {
    this.isOver = true;
    clearInterval(this.heartbeat);
    this.silence.stop();
    try {
      this.init.subscriber.destroy();
    } catch {
      // It was closed already, or never open.
    }
  }
}
