import { AuthError } from '../core/errors.js';
import type {
  RevocationEntry,
  RevocationKey,
  RevocationMark,
  RevocationObserver,
  RevocationStore,
  RevocationWatch,
} from '../core/ports.js';
import { withTimeout } from '../core/with-timeout.js';
import { messageOf, RedisRevocationWatch, type RedisSubscriber } from './redis-revocation.watch.js';

/** The part of a client that {@link RedisRevocationStore} needs: `createClient()` of the package `redis` returns one. */
export interface RedisClient {
  readonly isReady: boolean;
  sendCommand(args: string[], options?: { abortSignal?: AbortSignal }): Promise<unknown>;
  /** A separate connection to listen on. */
  duplicate(): RedisSubscriber;
}

/** Options of {@link RedisRevocationStore}. */
export interface RedisRevocationStoreOptions {
  /** A connected client of the package `redis`; the host remains responsible for its errors and for closing it. */
  client: RedisClient;
  /**
   * Prefix of every key and channel of the store.
   * @default 'silent-auth:'
   */
  prefix?: string;
}

/** Timeout of a command: a client that reconnects queues commands, and a request must not wait for that. */
const ANSWER_WITHIN_MS = 3_000;
const SCAN_COUNT = '1000';

/** Atomic. An earlier expiry never replaces a later one. */
const ADD = `
for i, key in ipairs(KEYS) do
  local expiresAt, life, message = ARGV[3 * i - 1], tonumber(ARGV[3 * i]), ARGV[3 * i + 1]
  if redis.call('PTTL', key) < life then redis.call('SET', key, expiresAt, 'PX', life) end
  redis.call('PUBLISH', ARGV[1], message)
end
return 1`;
/** Maximum number of entries per command: Redis does nothing else while a script runs. */
const ADD_AT_ONCE = 500;

/**
 * Shares revocations through Redis: one key per revocation, which expires with it, and a channel that announces new ones.
 * Messages on a channel can be lost, so the keys are read again after every interruption and at intervals. Configure Redis
 * with `appendonly yes` and `maxmemory-policy noeviction`: an entry that Redis loses is no longer revoked.
 *
 * @example
 * const client = await createClient({ url }).on('error', log).connect();
 * AuthModule.forRoot({ …, revocation: { store: new RedisRevocationStore({ client }) } })
 */
export class RedisRevocationStore implements RevocationStore {
  private readonly client: RedisClient;
  private readonly prefix: string;

  constructor({ client, prefix = 'silent-auth:' }: RedisRevocationStoreOptions) {
    this.client = client;
    this.prefix = prefix;
  }

  async add(entries: readonly RevocationEntry[], now: Date): Promise<void> {
    const alive = entries.filter(({ expiresAt }) => expiresAt > now);
    for (let first = 0; first < alive.length; first += ADD_AT_ONCE)
      await this.addBatch(alive.slice(first, first + ADD_AT_ONCE), now);
  }

  /** Always reads everything: SCAN returns each key that exists during the whole scan. */
  async read(): Promise<{ entries: RevocationEntry[]; mark: RevocationMark }> {
    const entries = new Map<RevocationKey, RevocationEntry>();
    const pattern = `${this.keyOf('' as RevocationKey).replace(/[\\*?[\]]/g, '\\$&')}*`;
    let cursor = '0';
    do {
      const answer = await this.command('SCAN', cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
      const [next, keys] = answer as [string, string[]];
      cursor = String(next);
      for (const entry of await this.entriesAt(keys)) entries.set(entry.key, entry);
    } while (cursor !== '0');
    return { entries: [...entries.values()], mark: { at: new Date(0) } };
  }

  async hasAny(keys: readonly RevocationKey[]): Promise<boolean> {
    return Number(await this.command('EXISTS', ...keys.map((key) => this.keyOf(key)))) > 0;
  }

  async watch(observer: RevocationObserver): Promise<RevocationWatch> {
    return RedisRevocationWatch.open({
      subscriber: this.client.duplicate(),
      channel: this.channel,
      publish: (channel, message) => this.command('PUBLISH', channel, message),
      observer,
    });
  }

  private async addBatch(entries: readonly RevocationEntry[], now: Date): Promise<void> {
    const keys = entries.map(({ key }) => this.keyOf(key));
    const values = entries.flatMap((entry) => {
      const lifeMs = Math.ceil(entry.expiresAt.getTime() - now.getTime());
      return [String(entry.expiresAt.getTime()), String(lifeMs), messageOf(entry)];
    });
    await this.command('EVAL', ADD, String(keys.length), ...keys, this.channel, ...values);
  }

  private async entriesAt(keys: readonly string[]): Promise<RevocationEntry[]> {
    if (keys.length === 0) return [];
    const values = (await this.command('MGET', ...keys)) as (string | null)[];
    return keys.flatMap((key, index) => {
      const expiresAt = new Date(Number(values[index] ?? NaN));
      // The entry expired between the two commands.
      if (Number.isNaN(expiresAt.getTime())) return [];
      return [{ key: key.slice(this.keyOf('' as RevocationKey).length) as RevocationKey, expiresAt }];
    });
  }

  private keyOf(key: RevocationKey): string {
    return `${this.prefix}revoked:${key}`;
  }

  private get channel(): string {
    return `${this.prefix}revocations`;
  }

  private async command(...args: string[]): Promise<unknown> {
    const unavailable = (cause?: unknown) =>
      new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'Redis is out of reach', cause });
    if (!this.client.isReady) throw unavailable();
    try {
      // The signal removes a command that was not sent yet.
      return await withTimeout(
        (abortSignal) => this.client.sendCommand(args, { abortSignal }),
        ANSWER_WITHIN_MS,
      );
    } catch (cause) {
      throw unavailable(cause);
    }
  }
}
