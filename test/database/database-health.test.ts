import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Connection, createConnection, Schema, Types } from 'mongoose';
import { DatabaseHealth, startOf } from '../../src/database/database-health.js';
import { IndexRegistry } from '../../src/database/index-registry.js';
import { SCHEMA_OPTIONS } from '../../src/database/native-collection.js';
import { databaseUri } from '../support/database.js';

const NOW = Date.parse('2100-01-01T00:00:00Z');
const clock = { now: () => NOW };

interface Thing {
  email: string;
  expiresAt: Date | null;
}

const schema = new Schema<Thing>(
  { email: String, expiresAt: Date },
  { ...SCHEMA_OPTIONS, collection: 'things' },
);
schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
schema.index({ email: 1 }, { unique: true });

let connection: Connection;
let health: DatabaseHealth;
beforeAll(async () => {
  connection = await createConnection(databaseUri('health')).asPromise();
  const registry = new IndexRegistry();
  await registry.build(connection.model<Thing>('Thing', schema));
  registry.register({ collection: 'others', indexes: [{ key: { expire: -1 }, expireAfterSeconds: 0 }] });
  health = new DatabaseHealth(connection, clock, registry);
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describe(DatabaseHealth.name, () => {
  it('reports the kind of server, and the difference between the clocks', async () => {
    const { kind, clockLeadMs } = await health.server();
    expect(['standalone', 'replica set', 'sharded cluster']).toContain(kind);
    // Only a server on this machine has the same clock.
    expect(Number.isInteger(clockLeadMs)).toBe(true);
  });

  it('finds every index of the models in use, also of missing collections', async () => {
    const expired = { index: '{ expiresAt: 1 }', isTtl: true, state: 'ok', found: null, overdueMs: 0 };
    const unique = { index: '{ email: 1 }', isTtl: false, state: 'ok', found: null, overdueMs: null };
    const missing = { index: '{ expire: -1 }', isTtl: true, state: 'missing', found: null, overdueMs: null };
    expect(await health.indexes()).toEqual([
      { collection: 'others', ...missing },
      { collection: 'things', ...expired },
      { collection: 'things', ...unique },
    ]);
  });

  it('reports how long the first expired document has waited, and ignores documents that never expire', async () => {
    const things = connection.collection('things');
    await things.insertMany([
      { email: 'a', expiresAt: new Date(NOW - 90_000) },
      { email: 'b', expiresAt: new Date(NOW - 60_000) },
      { email: 'c', expiresAt: null },
      { email: 'd', expiresAt: new Date(NOW + 60_000) },
    ]);
    expect(await overdueOfThings()).toBe(90_000);
    await things.deleteMany({ email: { $in: ['a', 'b'] } });
    expect(await overdueOfThings()).toBe(0);
  });

  it('notices a dropped index, and one with other options', async () => {
    const things = connection.collection('things');
    await things.dropIndex('expiresAt_1');
    await things.dropIndex('email_1');
    await things.createIndex({ expiresAt: 1 });
    const states = (await health.indexes()).filter(({ collection }) => collection === 'things');
    expect(states).toMatchObject([
      { index: '{ expiresAt: 1 }', state: 'different', found: 'no options' },
      { index: '{ email: 1 }', state: 'missing' },
    ]);
  });

  it('reports that the database is unreachable', async () => {
    const closed = await createConnection(databaseUri('health')).asPromise();
    const cut = new DatabaseHealth(closed, clock, new IndexRegistry());
    await closed.close();
    await expect(cut.server()).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
  });
});

describe(startOf.name, () => {
  const started = new Date('2026-11-21T08:00:00Z');
  const processId = Types.ObjectId.createFromTime(started.getTime() / 1000);

  it('reads when a server was started from its handshake: its process is identified by an ObjectId', () => {
    expect(startOf({ topologyVersion: { processId, counter: 6 } })).toBe(started.getTime());
  });

  it.each([{}, { topologyVersion: null }, { topologyVersion: { processId: 'x' } }])(
    'knows no start time if the handshake does not contain it: %j',
    (hello) => {
      expect(startOf(hello)).toBe(0);
    },
  );
});

async function overdueOfThings(): Promise<number | null | undefined> {
  const states = await health.indexes();
  return states.find(({ collection, isTtl }) => collection === 'things' && isTtl)?.overdueMs;
}
