import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BSON, type CommandStartedEvent } from 'mongodb';
import { type Connection, createConnection } from 'mongoose';
import type { RefreshTokenStore } from '../../src/core/refresh-token.store.js';
import { MAX_ABANDONED } from '../../src/core/rotation.js';
import { DatabaseClock } from '../../src/database/database-clock.js';
import { IndexRegistry } from '../../src/database/index-registry.js';
import { at, hashOf, newSession, rotation } from '../../src/testing/conformance/sample-sessions.js';
import { refreshTokenStoreConformance, type StoreFault } from '../../src/testing/index.js';
import { MongoRefreshTokenStore } from '../../src/tokens/mongo-refresh-token.store.js';
import {
  REFRESH_TOKEN_MODEL,
  type RefreshToken,
  RefreshTokenSchema,
} from '../../src/tokens/refresh-token.schema.js';
import { databaseUri } from '../support/database.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';

let connection: Connection;
let mongo: MongoRefreshTokenStore;

beforeAll(async () => {
  connection = await createConnection(databaseUri('store'), { monitorCommands: true }).asPromise();
  mongo = mongoStore(connection);
  await mongo.onModuleInit();
});

afterAll(async () => {
  await connection.dropDatabase();
  await connection.useDb(new URL(conformanceUri).pathname.slice(1)).dropDatabase();
  await connection.close();
});

function mongoStore(connection: Connection): MongoRefreshTokenStore {
  return new MongoRefreshTokenStore(
    connection.model<RefreshToken>(REFRESH_TOKEN_MODEL, RefreshTokenSchema),
    new IndexRegistry(),
    new DatabaseClock(connection),
  );
}

async function commandsOf(work: () => Promise<unknown>): Promise<CommandStartedEvent[]> {
  const commands: CommandStartedEvent[] = [];
  const record = (event: CommandStartedEvent) => commands.push(event);
  connection.getClient().on('commandStarted', record);
  await work();
  connection.getClient().off('commandStarted', record);
  return commands;
}

const conformanceUri = databaseUri('store_conformance');
const lines = new Map<RefreshTokenStore, { connection: Connection; proxy: DatabaseProxy | null }>();

async function openMongo(uri: string, proxy: DatabaseProxy | null = null): Promise<MongoRefreshTokenStore> {
  const connection = await createConnection(uri, {
    serverSelectionTimeoutMS: proxy ? 1_000 : 10_000,
  }).asPromise();
  const store = mongoStore(connection);
  await store.onModuleInit();
  lines.set(store, { connection, proxy });
  return store;
}

async function openOverProxy(): Promise<MongoRefreshTokenStore> {
  const proxy = await DatabaseProxy.openTo(conformanceUri);
  return openMongo(proxy.uri, proxy);
}

async function closeMongo(store: RefreshTokenStore): Promise<void> {
  const line = lines.get(store);
  lines.delete(store);
  await line?.connection.close();
  await line?.proxy?.close();
}

function breakLine(store: RefreshTokenStore, fault: StoreFault) {
  const proxy = lines.get(store)?.proxy;
  if (fault === 'unreachable') proxy?.cut();
  else for (const command of ['findAndModify', 'update', 'find']) proxy?.loseAnswerTo(command);
  return () => proxy?.restore();
}

const inMemory = new InMemoryRefreshTokenStore();
refreshTokenStoreConformance({ name: 'in memory', describe, it, createStore: () => inMemory });

refreshTokenStoreConformance({
  name: 'MongoDB',
  describe,
  it,
  createStore: () => openMongo(conformanceUri),
  closeStore: closeMongo,
});

refreshTokenStoreConformance({
  name: 'MongoDB over a line that breaks',
  describe,
  it,
  createStore: openOverProxy,
  closeStore: closeMongo,
  fail: breakLine,
});

describe('the refresh_tokens collection', () => {
  it("has a TTL index on the expiry, one index for a user's sessions and one for devices", async () => {
    const indexes = await connection.collection('refresh_tokens').listIndexes().toArray();
    expect(indexes).toContainEqual(expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }));
    expect(indexes).toContainEqual(
      expect.objectContaining({ key: { userId: 1, revokedAt: 1, lastUsedAt: -1 } }),
    );
    expect(indexes).toContainEqual(
      expect.objectContaining({
        key: { userId: 1, 'device.deviceId': 1, tokenVersion: 1 },
        partialFilterExpression: { 'device.deviceId': { $gt: '' } },
      }),
    );
  });

  it('finds a device by an index that holds nothing else', async () => {
    const userId = `user-${mongo.newId()}`;
    const device = { ...newSession(mongo).device, deviceId: 'phone-1' };
    for (const tokenVersion of ['c', 'a', 'b'])
      await mongo.create(newSession(mongo, { userId, device, tokenVersion }));
    const commands = await commandsOf(async () => {
      await mongo.hasDevice(userId, 'phone-1');
      await mongo.hasDevice(userId, 'phone-1', 'b');
    });
    const [byDevice, byVersion] = commands.map(({ command }) => command.filter);
    expect(byVersion).toEqual({ userId, 'device.deviceId': 'phone-1', tokenVersion: 'b' });
    // Only the order of that index sorts by the token version.
    const rows = await connection.collection('refresh_tokens').find(byDevice).toArray();
    expect(rows.map(({ tokenVersion }) => tokenVersion)).toEqual(['a', 'b', 'c']);
  });

  it('lists sessions used at the same moment by their ids, the newest first', async () => {
    const userId = `user-${mongo.newId()}`;
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      const session = newSession(mongo, { userId });
      await mongo.create(session);
      ids.unshift(session.id);
    }
    expect((await mongo.findLive(userId, at(10))).map(({ id }) => id)).toEqual(ids);
    expect((await mongo.findLogins(userId, at(10))).map(({ id }) => id)).toEqual(ids);
  });

  it('counts live sessions, and says whether it examined all of them', async () => {
    const later = { expiresAt: at(2_000_000), absoluteExpiresAt: at(3_000_000) };
    for (let count = 0; count < 2; count += 1) await mongo.create(newSession(mongo, later));
    const count = (limit: number) => mongo.countLive(at(1_000_000), limit);
    expect([await count(3), await count(2)]).toEqual([
      { active: 2, isAtLeast: false },
      { active: 2, isAtLeast: true },
    ]);
  });

  it('ending a session again at the same moment and for the same reason counts once', async () => {
    const session = newSession(mongo);
    await mongo.create(session);
    const end = () => mongo.revoke([session.id], 'evicted', at(1));
    expect([await end(), await end()]).toEqual([[session.id], []]);
  });

  it('a session with a damaged list of predecessors is not rotated, and its client gets no error', async () => {
    const session = newSession(mongo);
    await mongo.create(session);
    const row = { _id: new BSON.ObjectId(session.id) };
    await connection.collection('refresh_tokens').updateOne(row, { $set: { predecessors: 'damaged' } });
    expect(await mongo.rotate(rotation(session, 0))).toBeNull();
  });

  it('uses the time of the database, but not if the host sets a clock', async () => {
    expect(Math.abs(((await mongo.readTime?.()) ?? 0) - Date.now())).toBeLessThan(60_000);
    const model = connection.model<RefreshToken>(REFRESH_TOKEN_MODEL);
    const store = new MongoRefreshTokenStore(model, new IndexRegistry(), { now: () => 0 });
    expect(store.readTime).toBeUndefined();
  });

  it('ends any number of sessions with one command, written to the majority', async () => {
    const sessions = Array.from({ length: 300 }, () => newSession(mongo));
    await Promise.all(sessions.map((session) => mongo.create(session)));
    const ids = sessions.map(({ id }) => id);
    const commands = await commandsOf(() => mongo.revoke(ids, 'evicted', at(1)));
    expect(commands.map(({ commandName }) => commandName)).toEqual(['update']);
    expect(commands[0]?.command).toMatchObject({ writeConcern: { w: 'majority' } });
    expect((await mongo.findById(ids[299] ?? ''))?.revokedReason).toBe('evicted');
  });

  it('reads documents written by 0.1, and writes documents that 0.1 can read', async () => {
    const session = newSession(mongo);
    await mongo.create(session);
    const rows = connection.collection('refresh_tokens');
    const row = { _id: new BSON.ObjectId(session.id) };
    expect(await rows.findOne(row)).toMatchObject({ recoveredAt: null });
    const { attempt: _a, displacedAt: _b, gen: _c, ...old } = rotation(session, 0).predecessor;
    await rows.updateOne(row, {
      $set: { predecessors: [old], recoveredAt: at(3) },
      $unset: { abandoned: '' },
    });
    expect(await mongo.findById(session.id)).toEqual({
      ...session,
      predecessors: [{ ...old, gen: 0, attempt: null, displacedAt: null }],
    });
    expect(await mongo.rotate(rotation(session, 0))).toMatchObject({ generation: 1, abandoned: [] });
  });

  it('invariant 8: the size of a session stops growing, and stays under 3 kB', async () => {
    const created = newSession(mongo);
    const attempt = 'A'.repeat(22);
    const former = { hash: 'p'.repeat(43), gen: 1, sealed: 's'.repeat(80), attempt };
    const abandoned = { ...former, abandonedAt: at(0) };
    const session = { ...created, abandoned: Array.from({ length: MAX_ABANDONED }, () => abandoned) };
    await mongo.create(session);
    const sizes: number[] = [];
    const hashes = Array.from({ length: 31 }, (_unused, index) =>
      index === 0 ? hashOf(0) : String(index).padStart(43, 'h'),
    );
    for (let index = 0; index < 30; index += 1) {
      const displacedAt = index % 4 === 0 ? at(index) : null;
      const predecessor = { ...former, rotatedAt: at(index), displacedAt };
      await mongo.rotate(
        rotation(session, index, { ifTokenHash: hashes[index], tokenHash: hashes[index + 1], predecessor }),
      );
      const row = await connection
        .collection('refresh_tokens')
        .findOne({ _id: new BSON.ObjectId(session.id) });
      sizes.push(BSON.calculateObjectSize(row ?? {}));
    }
    const steady = sizes.slice(9);
    expect(new Set(steady).size).toBe(1);
    expect(sizes[0]).toBeLessThan(steady[0] ?? 0);
    expect(steady[0]).toBeLessThan(3000);
  });
});
