import { AuthError } from '../core/errors.js';
import type {
  RevocationEntry,
  RevocationKey,
  RevocationMark,
  RevocationObserver,
  RevocationStore,
  RevocationWatch,
} from '../core/ports.js';
import { inTime } from '../database/at-most.js';
import type { RedisClient } from './redis-client.js';
import { messageOf, RedisRevocationWatch } from './redis-revocation.watch.js';

/** Options of {@link RedisRevocationStore}. */
export interface RedisRevocationStoreOptions {
  /** A connected client of the package `redis`; it stays the host's to watch for errors and to close. */
  client: RedisClient;
  /**
   * Begins every key and channel of the store.
   * @default 'silent-auth:'
   */
  prefix?: string;
}

/** A client that reconnects keeps commands back; a request must not wait for that. */
const ANSWER_WITHIN_MS = 3_000;
const SCAN_COUNT = '1000';

/** In one step: a shorter life never cuts a longer one, and nobody is told of what is not written. */
const ADD = `
local expiresAt, life = ARGV[1], tonumber(ARGV[2])
if redis.call('PTTL', KEYS[1]) < life then redis.call('SET', KEYS[1], expiresAt, 'PX', life) end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1`;

/**
 * Shares revocations through Redis: a key for each, which expires with it, and a channel that tells of new ones.
 * Messages on a channel can be lost, so the keys are read again after every interruption, and at times anyway. Give Redis
 * `appendonly yes` and `maxmemory-policy noeviction`: what it forgets is revoked no longer.
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
    await Promise.all(entries.map((entry) => this.addOne(entry, now)));
  }

  /** Everything, whatever was read before: by SCAN, which gives each key that is there throughout. */
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

  private async addOne({ key, expiresAt }: RevocationEntry, now: Date): Promise<void> {
    const lifeMs = expiresAt.getTime() - now.getTime();
    if (lifeMs <= 0) return;
    const [at, life] = [String(expiresAt.getTime()), String(Math.ceil(lifeMs))];
    await this.command(
      'EVAL',
      ADD,
      '1',
      this.keyOf(key),
      at,
      life,
      this.channel,
      messageOf({ key, expiresAt }),
    );
  }

  private async entriesAt(keys: readonly string[]): Promise<RevocationEntry[]> {
    if (keys.length === 0) return [];
    const values = (await this.command('MGET', ...keys)) as (string | null)[];
    return keys.flatMap((key, index) => {
      const expiresAt = new Date(Number(values[index] ?? NaN));
      // Expired between the two commands.
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
    const abort = new AbortController();
    try {
      const answer = this.client.sendCommand(args, { abortSignal: abort.signal });
      return await inTime(ANSWER_WITHIN_MS, answer);
    } catch (cause) {
      // What was not sent yet never will be.
      abort.abort();
      throw unavailable(cause);
    }
  }
}
