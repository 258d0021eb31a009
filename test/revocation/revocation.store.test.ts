import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { CommandStartedEvent } from 'mongodb';
import { type Connection, createConnection, mongo } from 'mongoose';
import { createClient } from 'redis';
import type { RevocationEntry, RevocationKey, RevocationStore } from '../../src/core/ports.js';
import { IndexRegistry } from '../../src/database/index-registry.js';
import { RedisRevocationStore } from '../../src/index.js';
import { MongoRevocationStore } from '../../src/revocation/mongo-revocation.store.js';
import type { RedisClient } from '../../src/revocation/redis-link.js';
import {
  type Revocation,
  REVOCATION_MODEL,
  RevocationSchema,
} from '../../src/revocation/revocation.schema.js';
import { databaseUri } from '../support/database.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { InMemoryRevocationStore } from '../support/in-memory-revocation.store.js';
import { RedisClusterGroup, RedisSentinelGroup } from '../support/redis-group.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';

const LIFE_MS = 600_000;

/** Waits until the condition holds: pushed entries arrive asynchronously. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(5);
}

const many = (count: number): RevocationEntry[] =>
  Array.from({ length: count }, (_, n) => ({
    key: `sid:${n}` as const,
    expiresAt: new Date(Date.now() + LIFE_MS),
  }));

let connection: Connection;
/** With such a server the driver polls instead of listening. */
let polling: Connection;
let redis: RedisServer | undefined;
let client: ReturnType<typeof createClient>;
let cluster: RedisClusterGroup | undefined;
let clusterClient: Awaited<ReturnType<RedisClusterGroup['connect']>>;
let sentinels: RedisSentinelGroup | undefined;
let sentinelClient: Awaited<ReturnType<RedisSentinelGroup['connect']>>;

async function openMongo(on = connection): Promise<RevocationStore> {
  const model = on.model<Revocation>(REVOCATION_MODEL, RevocationSchema);
  await model.collection.deleteMany({});
  const store = new MongoRevocationStore(model, new IndexRegistry());
  await store.onModuleInit();
  return store;
}

beforeAll(async () => {
  const uri = databaseUri('revocations');
  connection = await createConnection(uri, { monitorCommands: true }).asPromise();
  const poll = { serverMonitoringMode: 'poll', monitorCommands: true } as const;
  polling = await createConnection(uri, poll).asPromise();
  if (!hasRedis) return;
  redis = await RedisServer.start();
  client = createClient({ url: redis.url });
  client.on('error', () => undefined);
  await client.connect();
  [cluster, sentinels] = await Promise.all([RedisClusterGroup.start('any'), RedisSentinelGroup.start()]);
  [clusterClient, sentinelClient] = await Promise.all([cluster.connect(), sentinels.connect()]);
});

afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
  await polling.close();
  client?.destroy();
  clusterClient?.destroy();
  await sentinelClient?.destroy();
  await Promise.all([redis?.dispose(), cluster?.dispose(), sentinels?.dispose()]);
});

const STORES: [string, boolean, () => Promise<RevocationStore>][] = [
  ['MongoRevocationStore', true, () => openMongo()],
  ['MongoRevocationStore with a driver that polls', true, () => openMongo(polling)],
  [
    'RedisRevocationStore',
    hasRedis,
    // Characters with a meaning in SCAN, and another store's keys next to it.
    async () => new RedisRevocationStore({ client, prefix: `*[${randomUUID()}]?` }),
  ],
  [
    'RedisRevocationStore in a cluster',
    hasRedis,
    async () => new RedisRevocationStore({ client: clusterClient, prefix: `*[${randomUUID()}]?` }),
  ],
  [
    'RedisRevocationStore behind Sentinels',
    hasRedis,
    async () => new RedisRevocationStore({ client: sentinelClient, prefix: `*[${randomUUID()}]?` }),
  ],
  ['InMemoryRevocationStore', true, async () => new InMemoryRevocationStore()],
];

for (const [name, isAvailable, open] of STORES)
  (isAvailable ? describe : describe.skip)(`${name}, as any RevocationStore`, () => {
    let store: RevocationStore;
    let now: Date;
    const entry = (key: RevocationKey, lifeMs = LIFE_MS): RevocationEntry => ({
      key,
      expiresAt: new Date(now.getTime() + lifeMs),
    });

    beforeEach(async () => {
      now = new Date();
      store = await open();
    });

    it('starts empty', async () => {
      expect((await store.read(null)).entries).toEqual([]);
      expect(await store.hasAny(['sid:s', 'jti:j'])).toBe(false);
    });

    it('returns what was added, of every kind', async () => {
      const entries = [entry('jti:a'), entry('sid:b'), entry('ver:c-_'), entry('gen:b.3'), entry('rol:d')];
      await store.add(entries, now);
      const read = await store.read(null);
      expect(new Set(read.entries.map(({ key }) => key))).toEqual(new Set(entries.map(({ key }) => key)));
      for (const { expiresAt } of read.entries) expect(expiresAt).toEqual(entries[0]?.expiresAt);
    });

    it('accepts an entry repeatedly', async () => {
      for (let time = 0; time < 3; time += 1) await store.add([entry('sid:b')], now);
      expect((await store.read(null)).entries).toEqual([entry('sid:b')]);
    });

    it('an earlier expiry, written later, does not shorten an entry; a later one extends it', async () => {
      await store.add([entry('sid:b')], now);
      await store.add([entry('sid:b', 1000)], now);
      expect((await store.read(null)).entries).toEqual([entry('sid:b')]);
      await store.add([entry('sid:b', 2 * LIFE_MS)], now);
      expect((await store.read(null)).entries).toEqual([entry('sid:b', 2 * LIFE_MS)]);
    });

    it('a later read omits nothing that was written since', async () => {
      let { mark } = await store.read(null);
      for (let round = 0; round < 5; round += 1) {
        await store.add([entry(`sid:${round}`)], now);
        const read = await store.read(mark);
        expect(read.entries.map(({ key }) => key)).toContain(`sid:${round}`);
        ({ mark } = read);
      }
    });

    it('reads thousands of entries', async () => {
      const keys = Array.from({ length: 3000 }, (_, n) => `sid:${n}` as RevocationKey);
      // In batches, as after an outage.
      for (let first = 0; first < keys.length; first += 500)
        await store.add(
          keys.slice(first, first + 500).map((key) => entry(key)),
          now,
        );
      const read = await store.read(null);
      expect(new Set(read.entries.map(({ key }) => key))).toEqual(new Set(keys));
    });

    it('finds out whether any of several keys is listed', async () => {
      await store.add([entry('ver:v')], now);
      expect(await store.hasAny(['sid:s', 'ver:v', 'jti:j'])).toBe(true);
      expect(await store.hasAny(['sid:v', 'jti:v'])).toBe(false);
    });

    it('reports everything written since the watch began to its observer, and nothing after it is closed', async () => {
      const heard: RevocationEntry[] = [];
      const lost: unknown[] = [];
      const watch = await store.watch?.({
        entriesAdded: (entries) => heard.push(...entries),
        watchLost: (reason) => lost.push(reason),
      });
      if (!watch) throw new Error('this store pushes');
      const entries = Array.from({ length: 20 }, (_, n) => entry(`sid:${n}`));
      await store.add(entries, now);
      await until(() => heard.length >= 20);
      expect(new Set(heard.map(({ key }) => key))).toEqual(new Set(entries.map(({ key }) => key)));
      for (const { expiresAt } of heard) expect(expiresAt).toEqual(entries[0]?.expiresAt);
      await store.add([entry('sid:0', 2 * LIFE_MS)], now);
      await until(() => heard.length >= 21);
      expect(heard.at(-1)).toEqual(entry('sid:0', 2 * LIFE_MS));
      await watch.close();
      await store.add([entry('sid:after')], now);
      // A second watch shows when the entry could have arrived.
      let arrived = false;
      const other = await store.watch?.({ entriesAdded: () => (arrived = true), watchLost: () => undefined });
      await store.add([entry('sid:last')], now);
      await until(() => arrived);
      await other?.close();
      expect(heard).toHaveLength(21);
      expect(lost).toEqual([]);
    });
  });

/** How long the server may wait for changes, for each time that the watch asks it. */
function waitsOn(on: Connection) {
  const waits: unknown[] = [];
  const listen = ({ commandName, command }: { commandName: string; command: { maxTimeMS?: number } }) => {
    if (commandName === 'getMore') waits.push(command.maxTimeMS);
  };
  const client = on.getClient().on('commandStarted', listen);
  return { waits, stop: () => client.off('commandStarted', listen) };
}

describe('MongoRevocationStore', () => {
  it.each([
    ['holds its answer if the driver streams from it', () => connection, 1_000],
    ['answers at once if the driver polls, whose monitor would hang otherwise', () => polling, 1],
  ])('the server %s', async (_, of, waitsMs) => {
    const store = await openMongo(of());
    const { waits, stop } = waitsOn(of());
    const watch = await store.watch?.({ entriesAdded: () => undefined, watchLost: () => undefined });
    await until(() => waits.length > 0);
    stop();
    await watch?.close();
    expect(new Set(waits)).toEqual(new Set([waitsMs]));
  });

  it('builds its indexes, one of which removes expired entries', async () => {
    const store = await openMongo();
    await store.add(many(1), new Date());
    const indexes = await connection.model(REVOCATION_MODEL).collection.listIndexes().toArray();
    expect(indexes).toEqual([
      expect.objectContaining({ key: { _id: 1 } }),
      expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }),
      expect.objectContaining({ key: { at: 1 } }),
    ]);
  });

  it('marks a read with the newest time, in whatever order entries are stored', async () => {
    const store = await openMongo();
    expect((await store.read(null)).mark).toEqual({ at: new Date(0) });
    const at = Date.now();
    const entry = { expiresAt: new Date(at + LIFE_MS) };
    await connection.model<Revocation>(REVOCATION_MODEL).collection.insertMany([
      { _id: 'sid:newest', at: new Date(at), ...entry },
      { _id: 'sid:older', at: new Date(at - 5_000), ...entry },
      { _id: 'sid:damaged', at: /sorted after all dates/, ...entry },
    ] as never);
    const { mark } = await store.read(null);
    expect(mark).toEqual({ at: new Date(at) });
    // Nothing was written since.
    await connection.model(REVOCATION_MODEL).collection.deleteMany({});
    expect((await store.read(mark)).mark).toEqual(mark);
  });

  it('re-reads ten seconds before the mark: writes become visible out of order', async () => {
    const store = await openMongo();
    await store.add([{ key: 'sid:newest', expiresAt: new Date(Date.now() + LIFE_MS) }], new Date());
    const { mark } = await store.read(null);
    const expiresAt = new Date(Date.now() + LIFE_MS);
    const written = (key: string, msBefore: number) => ({
      _id: key,
      expiresAt,
      at: new Date(mark.at.getTime() - msBefore),
    });
    await connection
      .model<Revocation>(REVOCATION_MODEL)
      .collection.insertMany([written('sid:late', 10_000), written('sid:old', 10_001)] as never);
    const { entries } = await store.read(mark);
    expect(entries.map(({ key }) => key)).toEqual(['sid:late', 'sid:newest']);
  });

  it('adds many with one command, written to the majority', async () => {
    const store = await openMongo();
    const commands: CommandStartedEvent[] = [];
    const record = (event: CommandStartedEvent) => commands.push(event);
    connection.getClient().on('commandStarted', record);
    await store.add(many(300), new Date());
    connection.getClient().off('commandStarted', record);
    expect(commands.map(({ commandName }) => commandName)).toEqual(['update']);
    expect(commands[0]?.command).toMatchObject({ writeConcern: { w: 'majority' } });
    expect((await store.read(null)).entries).toHaveLength(300);
  });

  it('a database that becomes unreachable in between is an error that can be retried', async () => {
    const proxy = await DatabaseProxy.open('revocations');
    const away = await createConnection(proxy.uri, { serverSelectionTimeoutMS: 1_000 }).asPromise();
    try {
      const store = await openMongo(away);
      proxy.cut();
      await expect(store.add(many(2), new Date())).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
    } finally {
      await away.close();
      await proxy.close();
    }
  });

  describe('whether it watches', () => {
    const observer = { entriesAdded: () => undefined, watchLost: () => undefined };
    let logged: unknown[];

    beforeEach(() => {
      logged = [];
      jest.spyOn(Logger.prototype, 'log').mockImplementation((message) => void logged.push(message));
    });
    afterEach(() => {
      jest.restoreAllMocks();
    });

    /** The server says of itself what the test decides. */
    const serverSays = (command: () => Promise<object>) =>
      jest.spyOn(connection.db as mongo.Db, 'admin').mockReturnValue({ command } as never);

    it.each([
      ['with one connection, because the watch would occupy it', 1, false],
      ['with two connections', 2, true],
      ['with any number of connections', 0, true],
    ])('%s: %i, %s', async (_, maxPoolSize, watches) => {
      const pool = await createConnection(databaseUri('revocations'), { maxPoolSize }).asPromise();
      try {
        const watch = await (await openMongo(pool)).watch?.(observer);
        await watch?.close();
        expect(watch !== null).toBe(watches);
        expect(logged).toEqual(watches ? [] : ['no change stream on this server: maxPoolSize is 1']);
      } finally {
        await pool.dropDatabase();
        await pool.close();
      }
    });

    it.each([
      ['a member of a replica set before MongoDB 4.4', { setName: 'rs0' }],
      ['a router of a sharded cluster before MongoDB 4.4', { msg: 'isdbgrid' }],
    ])('on %s: yes, and the server answers at once', async (_, hello) => {
      serverSays(async () => hello);
      const store = await openMongo();
      const { waits, stop } = waitsOn(connection);
      const watch = await store.watch?.(observer);
      await until(() => waits.length > 0);
      stop();
      await watch?.close();
      expect(new Set(waits)).toEqual(new Set([1]));
    });

    it('on a standalone server: no, and the log says why', async () => {
      serverSays(async () => ({ topologyVersion: {} }));
      expect(await (await openMongo()).watch?.(observer)).toBeNull();
      expect(logged).toEqual(['no change stream on this server: it is not a replica set']);
    });

    it('on a server that refuses it: no, and the log says why', async () => {
      serverSays(() => Promise.reject(new mongo.MongoServerError({ message: 'not authorized', code: 13 })));
      expect(await (await openMongo()).watch?.(observer)).toBeNull();
      expect(logged).toEqual(['no change stream on this server: not authorized']);
    });

    it.each([
      ['a server that is shutting down', new mongo.MongoServerError({ message: 'shutting down', code: 91 })],
      ['a broken connection', new mongo.MongoNetworkError('connection closed')],
    ])('on %s: not now', async (_, cause) => {
      serverSays(() => Promise.reject(cause));
      await expect((await openMongo()).watch?.(observer)).rejects.toMatchObject({
        code: 'TEMPORARILY_UNAVAILABLE',
        cause,
      });
      expect(logged).toEqual([]);
    });

    it('passes on an error that no server has sent', async () => {
      const error = new Error('a defect');
      serverSays(() => Promise.reject(error));
      await expect((await openMongo()).watch?.(observer)).rejects.toBe(error);
    });
  });

  it('loses its watch when the collection is dropped, and then watches the new one', async () => {
    const store = await openMongo();
    const entry: RevocationEntry = { key: 'sid:s', expiresAt: new Date(Date.now() + LIFE_MS) };
    await store.add([entry], new Date());
    const heard: RevocationEntry[] = [];
    const lost: unknown[] = [];
    const observer = {
      entriesAdded: (entries: readonly RevocationEntry[]) => heard.push(...entries),
      watchLost: (reason: unknown) => lost.push(reason),
    };
    const first = await store.watch?.(observer);
    if (!first) throw new Error('this server has change streams');
    await connection.model(REVOCATION_MODEL).collection.drop();
    await until(() => lost.length > 0);
    await first.close();
    expect(lost).toHaveLength(1);

    const second = await store.watch?.(observer);
    await store.add([entry], new Date());
    await until(() => heard.length > 0);
    await second?.close();
    expect(heard).toEqual([entry]);
    expect(lost).toHaveLength(1);
  });
});

(hasRedis ? describe : describe.skip)('RedisRevocationStore', () => {
  it('keys expire by the clock that wrote them, whatever other clocks show', async () => {
    const store = new RedisRevocationStore({ client, prefix: 'clock:' });
    const now = new Date('2100-01-01T00:00:00Z');
    await store.add([{ key: 'sid:s', expiresAt: new Date(now.getTime() + 50_000) }], now);
    const left = Number(await client.sendCommand(['PTTL', 'clock:revoked:sid:s']));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(50_000);
  });

  it('adds hundreds with one command', async () => {
    const commands: string[][] = [];
    const sendCommand = (args: string[], options?: object) => {
      commands.push(args);
      return client.sendCommand(args, options);
    };
    const counted = { isReady: true, sendCommand, duplicate: () => client.duplicate() };
    const store = new RedisRevocationStore({ client: counted, prefix: 'many:' });
    await store.add(many(300), new Date());
    expect(commands.map(([name]) => name)).toEqual(['EVAL']);
    expect((await store.read()).entries).toHaveLength(300);
  });

  it('touches only its own keys', async () => {
    await client.set('somebody:else', 'x');
    const store = new RedisRevocationStore({ client, prefix: 'own:' });
    await store.add([{ key: 'sid:s', expiresAt: new Date(Date.now() + 50_000) }], new Date());
    expect((await store.read()).entries.map(({ key }) => key)).toEqual(['sid:s']);
    expect(await client.get('somebody:else')).toBe('x');
  });
});

describe('RedisRevocationStore, without a Redis', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const entry: RevocationEntry = { key: 'sid:s', expiresAt: new Date(now.getTime() + LIFE_MS) };
  const UNAVAILABLE = { code: 'TEMPORARILY_UNAVAILABLE' };

  const newStore = (sendCommand: RedisClient['sendCommand'], isReady = true) =>
    new RedisRevocationStore({
      client: { isReady, sendCommand, duplicate: () => Promise.reject(new Error('unused')) as never },
    });

  it("is unavailable at once while its client reconnects: no command waits in the client's queue", async () => {
    const sendCommand = jest.fn(async () => null);
    const store = newStore(sendCommand, false);
    await expect(store.add([entry], now)).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.read()).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.hasAny(['sid:s'])).rejects.toMatchObject(UNAVAILABLE);
    expect(sendCommand).not.toHaveBeenCalled();
  });

  it('is unavailable if a command fails, and keeps the cause', async () => {
    const cause = new Error('LOADING');
    const store = newStore(() => Promise.reject(cause));
    await expect(store.add([entry], now)).rejects.toMatchObject({ ...UNAVAILABLE, cause });
  });

  it('waits three seconds for an answer, and withdraws the command', async () => {
    jest.useFakeTimers();
    try {
      let signal: AbortSignal | undefined;
      const store = newStore((_args, options) => {
        signal = options?.abortSignal;
        return new Promise(() => undefined);
      });
      let outcome: unknown = null;
      void store.hasAny(['sid:s']).catch((error: unknown) => (outcome = error));
      await jest.advanceTimersByTimeAsync(2999);
      expect([outcome, signal?.aborted]).toEqual([null, false]);
      await jest.advanceTimersByTimeAsync(1);
      expect(outcome).toMatchObject(UNAVAILABLE);
      expect(signal?.aborted).toBe(true);
    } finally {
      jest.useRealTimers();
    }
  });

  it('a watch subscribes to the channel of the prefix, and sends its heartbeat through Redis', async () => {
    jest.useFakeTimers();
    try {
      const channels: string[] = [];
      const subscriber = {
        connect: async () => undefined,
        subscribe: async (given: string[]) => void channels.push(...given),
        on: () => undefined,
        destroy: () => undefined,
      };
      const commands: string[][] = [];
      const sendCommand = async (args: string[]) => commands.push(args);
      const client = { isReady: true, sendCommand, duplicate: () => subscriber };
      const observer = { entriesAdded: () => undefined, watchLost: () => undefined };
      const watch = await new RedisRevocationStore({ client, prefix: 'own:' }).watch(observer);
      await jest.advanceTimersByTimeAsync(1000);
      expect(channels[0]).toBe('own:revocations');
      expect(commands).toEqual([['PUBLISH', channels[1], '']]);
      await watch.close();
    } finally {
      jest.useRealTimers();
    }
  });

  it('writes no expired entry', async () => {
    const sendCommand = jest.fn(async () => null);
    const store = newStore(sendCommand);
    await store.add([{ ...entry, expiresAt: now }], now);
    expect(sendCommand).not.toHaveBeenCalled();
    await store.add([{ ...entry, expiresAt: new Date(now.getTime() + 1) }], now);
    expect(sendCommand).toHaveBeenCalledTimes(1);
  });

  it('leaves out entries that expired during the read, and keys of others', async () => {
    const commands: string[][] = [];
    const store = newStore(async (args) => {
      commands.push(args);
      if (args[0] === 'MGET') return [null, 'x', String(entry.expiresAt.getTime())];
      // Redis may answer with an empty page; the cursor says whether there are more.
      if (args[1] === '0') return ['7', []];
      return ['0', ['gone', 'odd', 'sid:s'].map((key) => `silent-auth:revoked:${key}`)];
    });
    expect((await store.read()).entries).toEqual([entry]);
    expect(commands.map(([name, cursor]) => [name, cursor])).toEqual([
      ['SCAN', '0'],
      ['SCAN', '7'],
      ['MGET', 'silent-auth:revoked:gone'],
    ]);
  });
});
