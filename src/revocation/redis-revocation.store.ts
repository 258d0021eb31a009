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
import { type AnyRedisClient, linkTo, type RedisLink } from './redis-link.js';
import { messageOf, RedisRevocationWatch } from './redis-revocation.watch.js';

/** Options of {@link RedisRevocationStore}. */
export interface RedisRevocationStoreOptions {
  /**
   * A connected client of the package `redis`, from `createClient`, `createSentinel` or `createCluster`; it stays the
   * host's to watch for errors and to close.
   */
  client: AnyRedisClient;
  /**
   * Prefix of every key and channel of the store. In a cluster it is part of the hash tag, `{silent-auth:revoked}:…`.
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
  /** A failover loses what was not replicated yet. */
  readonly canLoseEntries = true;
  private readonly link: RedisLink;
  private readonly channel: string;

  constructor({ client, prefix = 'silent-auth:' }: RedisRevocationStoreOptions) {
    this.link = linkTo(client, prefix);
    this.channel = `${prefix}revocations`;
  }

  async add(entries: readonly RevocationEntry[], now: Date): Promise<void> {
    const alive = entries.filter(({ expiresAt }) => expiresAt > now);
    for (let first = 0; first < alive.length; first += ADD_AT_ONCE)
      await this.addBatch(alive.slice(first, first + ADD_AT_ONCE), now);
  }

  /** Always reads everything: SCAN returns each key that exists during the whole scan. */
  async read(): Promise<{ entries: RevocationEntry[]; mark: RevocationMark }> {
    const entries = new Map<RevocationKey, RevocationEntry>();
    const pattern = `${this.link.keyPrefix.replace(/[\\*?[\]]/g, '\\$&')}*`;
    const server = await this.reach((options) => this.link.pin(options));
    const send = (...args: string[]) => this.reach((options) => server.send(args, options));
    let cursor = '0';
    do {
      const answer = await send('SCAN', cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
      const [next, keys] = answer as [string, string[]];
      cursor = String(next);
      const values = keys.length > 0 ? await send('MGET', ...keys) : [];
      for (const entry of this.entriesOf(keys, values as (string | null)[])) entries.set(entry.key, entry);
    } while (cursor !== '0');
    if (!(await this.reach((options) => server.isCurrent(options))))
      throw unavailable(new Error('the primary changed during the scan'));
    return { entries: [...entries.values()], mark: { at: new Date(0) } };
  }

  async hasAny(keys: readonly RevocationKey[]): Promise<boolean> {
    return Number(await this.send('EXISTS', ...keys.map((key) => this.keyOf(key)))) > 0;
  }

  async watch(observer: RevocationObserver): Promise<RevocationWatch> {
    return RedisRevocationWatch.open({
      subscriber: await this.link.subscriber(),
      channel: this.channel,
      publish: (channel, message) => this.send('PUBLISH', channel, message),
      observer,
    });
  }

  private async addBatch(entries: readonly RevocationEntry[], now: Date): Promise<void> {
    const keys = entries.map(({ key }) => this.keyOf(key));
    const values = entries.flatMap((entry) => {
      const lifeMs = Math.ceil(entry.expiresAt.getTime() - now.getTime());
      return [String(entry.expiresAt.getTime()), String(lifeMs), messageOf(entry)];
    });
    await this.send('EVAL', ADD, String(keys.length), ...keys, this.channel, ...values);
  }

  private entriesOf(keys: readonly string[], values: readonly (string | null)[]): RevocationEntry[] {
    return keys.flatMap((key, index) => {
      const expiresAt = new Date(Number(values[index] ?? NaN));
      // The entry expired between the two commands.
      if (Number.isNaN(expiresAt.getTime())) return [];
      return [{ key: key.slice(this.link.keyPrefix.length) as RevocationKey, expiresAt }];
    });
  }

  private keyOf(key: RevocationKey): string {
    return this.link.keyPrefix + key;
  }

  private send(...args: string[]): Promise<unknown> {
    return this.reach((options) => this.link.send(args, options));
  }

  private async reach<T>(work: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    if (!this.link.isReady) throw unavailable();
    try {
      // The signal removes a command that was not sent yet.
      return await withTimeout((abortSignal) => work({ abortSignal }), ANSWER_WITHIN_MS);
    } catch (cause) {
      throw unavailable(cause);
    }
  }
}

function unavailable(cause?: unknown): AuthError {
  return new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'Redis is out of reach', cause });
}
