import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, createConnection } from 'mongoose';
import { createClient } from 'redis';
import type { RevocationEntry, RevocationKey, RevocationStore } from '../../src/core/ports.js';
import { RedisRevocationStore } from '../../src/index.js';
import { MongoRevocationStore } from '../../src/revocation/mongo-revocation.store.js';
import {
  REVOCATION_MODEL,
  type Revocation,
  RevocationSchema,
} from '../../src/revocation/revocation.schema.js';
import { databaseUri } from '../support/database.js';
import { InMemoryRevocationStore } from '../support/in-memory-revocation.store.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';

const LIFE_MS = 600_000;

/** Until it is so: what is pushed arrives when it arrives. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(5);
}

let connection: Connection;
/** The driver asks such a server from time to time whether it is there, instead of listening to it. */
let polling: Connection;
let redis: RedisServer | undefined;
let client: ReturnType<typeof createClient>;

async function openMongo(on = connection): Promise<RevocationStore> {
  const model = on.model<Revocation>(REVOCATION_MODEL, RevocationSchema);
  await model.collection.deleteMany({});
  const store = new MongoRevocationStore(model);
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
});

afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
  await polling.close();
  client?.destroy();
  await redis?.dispose();
});

const STORES: [string, boolean, () => Promise<RevocationStore>][] = [
  ['MongoRevocationStore', true, () => openMongo()],
  ['MongoRevocationStore with a driver that polls', true, () => openMongo(polling)],
  [
    'RedisRevocationStore',
    hasRedis,
    // Characters that mean something to SCAN, and another store's keys beside it.
    async () => new RedisRevocationStore({ client, prefix: `*[${randomUUID()}]?` }),
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

    it('begins empty', async () => {
      expect((await store.read(null)).entries).toEqual([]);
      expect(await store.hasAny(['sid:s', 'jti:j'])).toBe(false);
    });

    it('reads back what was added, of every kind', async () => {
      const entries = [entry('jti:a'), entry('sid:b'), entry('ver:c-_'), entry('gen:b.3')];
      await store.add(entries, now);
      const read = await store.read(null);
      expect(new Set(read.entries.map(({ key }) => key))).toEqual(new Set(entries.map(({ key }) => key)));
      for (const { expiresAt } of read.entries) expect(expiresAt).toEqual(entries[0]?.expiresAt);
    });

    it('takes an entry again and again', async () => {
      for (let time = 0; time < 3; time += 1) await store.add([entry('sid:b')], now);
      expect((await store.read(null)).entries).toEqual([entry('sid:b')]);
    });

    it('a shorter life, written later, does not cut a longer one; a longer one counts', async () => {
      await store.add([entry('sid:b')], now);
      await store.add([entry('sid:b', 1000)], now);
      expect((await store.read(null)).entries).toEqual([entry('sid:b')]);
      await store.add([entry('sid:b', 2 * LIFE_MS)], now);
      expect((await store.read(null)).entries).toEqual([entry('sid:b', 2 * LIFE_MS)]);
    });

    it('a later read leaves out nothing that was written since', async () => {
      let { mark } = await store.read(null);
      for (let round = 0; round < 5; round += 1) {
        await store.add([entry(`sid:${round}`)], now);
        const read = await store.read(mark);
        expect(read.entries.map(({ key }) => key)).toContain(`sid:${round}`);
        ({ mark } = read);
      }
    });

    it('reads thousands', async () => {
      const keys = Array.from({ length: 3000 }, (_, n) => `sid:${n}` as RevocationKey);
      await store.add(
        keys.map((key) => entry(key)),
        now,
      );
      const read = await store.read(null);
      expect(new Set(read.entries.map(({ key }) => key))).toEqual(new Set(keys));
    });

    it('knows whether one of several keys is listed', async () => {
      await store.add([entry('ver:v')], now);
      expect(await store.hasAny(['sid:s', 'ver:v', 'jti:j'])).toBe(true);
      expect(await store.hasAny(['sid:v', 'jti:v'])).toBe(false);
    });

    it('tells whoever watches of everything written since the watch began, and of nothing after it is closed', async () => {
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
      // A watch of its own tells when it could have arrived.
      let arrived = false;
      const other = await store.watch?.({ entriesAdded: () => (arrived = true), watchLost: () => undefined });
      await store.add([entry('sid:last')], now);
      await until(() => arrived);
      await other?.close();
      expect(heard).toHaveLength(21);
      expect(lost).toEqual([]);
    });
  });

describe('MongoRevocationStore', () => {
  it.each([
    ['holds its answer where the driver listens to it', () => connection, 1_000],
    ['answers at once where the driver polls, whose monitor a waiting command can hang', () => polling, 1],
  ])('the server %s', async (_, of, waitsMs) => {
    const waits: unknown[] = [];
    const listen = ({ commandName, command }: { commandName: string; command: { maxTimeMS?: number } }) => {
      if (commandName === 'getMore') waits.push(command.maxTimeMS);
    };
    const client = of().getClient().on('commandStarted', listen);
    const store = await openMongo(of());
    const watch = await store.watch?.({ entriesAdded: () => undefined, watchLost: () => undefined });
    await until(() => waits.length > 0);
    client.off('commandStarted', listen);
    await watch?.close();
    expect(new Set(waits)).toEqual(new Set([waitsMs]));
  });

  it('loses its watch when the collection is dropped, and watches what comes after it', async () => {
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
  it('keys live as long as is left by the clock that set them, whatever other clocks show', async () => {
    const store = new RedisRevocationStore({ client, prefix: 'clock:' });
    const now = new Date('2100-01-01T00:00:00Z');
    await store.add([{ key: 'sid:s', expiresAt: new Date(now.getTime() + 50_000) }], now);
    const left = Number(await client.sendCommand(['PTTL', 'clock:revoked:sid:s']));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(50_000);
  });

  it('touches no key but its own', async () => {
    await client.set('somebody:else', 'x');
    const store = new RedisRevocationStore({ client, prefix: 'own:' });
    await store.add([{ key: 'sid:s', expiresAt: new Date(Date.now() + 50_000) }], new Date());
    expect((await store.read()).entries.map(({ key }) => key)).toEqual(['sid:s']);
    expect(await client.get('somebody:else')).toBe('x');
  });
});
