import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BSON } from 'mongodb';
import { type Connection, createConnection } from 'mongoose';
import {
  REFRESH_TOKEN_MODEL,
  type RefreshToken,
  RefreshTokenSchema,
} from '../../src/tokens/refresh-token.schema.js';
import { MongoRefreshTokenStore } from '../../src/tokens/mongo-refresh-token.store.js';
import type {
  RefreshSession,
  RefreshTokenStore,
  RotationCommand,
} from '../../src/tokens/refresh-token.store.js';
import { databaseUri } from '../support/database.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';

const T0 = Date.parse('2100-01-01T00:00:00Z');
const at = (seconds: number) => new Date(T0 + seconds * 1000);

let connection: Connection;
let mongo: MongoRefreshTokenStore;

beforeAll(async () => {
  connection = await createConnection(databaseUri('store')).asPromise();
  mongo = new MongoRefreshTokenStore(connection.model<RefreshToken>(REFRESH_TOKEN_MODEL, RefreshTokenSchema));
  await mongo.onModuleInit();
});

afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

function newSession(store: RefreshTokenStore, over: Partial<RefreshSession> = {}): RefreshSession {
  return {
    id: store.newId(),
    userId: 'u',
    tokenVersion: 'v',
    generation: 0,
    tokenHash: 'hash-0',
    predecessors: [],
    rotatedAt: at(0),
    confirmedAt: null,
    recoveredAt: null,
    createdAt: at(0),
    lastUsedAt: at(0),
    expiresAt: at(1000),
    absoluteExpiresAt: at(5000),
    transport: 'cookie',
    device: {
      appId: null,
      deviceId: null,
      deviceName: 'Phone',
      userAgent:
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      ip: '192.0.2.1',
      fingerprint: 'f'.repeat(43),
    },
    recentUses: [{ ip: '192.0.2.1', userAgent: 'a', at: at(0) }],
    revokedAt: null,
    revokedReason: null,
    ...over,
  };
}

function rotation(
  session: RefreshSession,
  index: number,
  over: Partial<RotationCommand> = {},
): RotationCommand {
  return {
    sessionId: session.id,
    ifTokenHash: `hash-${index}`,
    ifAbsoluteExpiresAt: session.absoluteExpiresAt,
    now: at(index + 1),
    tokenHash: `hash-${index + 1}`,
    predecessor: {
      hash: `hash-${index}`,
      sealed: `sealed-${index}`.padEnd(80, '.'),
      rotatedAt: at(index + 1),
    },
    use: { ip: '192.0.2.2', userAgent: session.device.userAgent, at: at(index + 1) },
    expiresAt: at(2000 + index),
    ...over,
  };
}

describe.each([
  ['in memory', () => new InMemoryRefreshTokenStore()],
  ['MongoDB', () => mongo],
] as const)('RefreshTokenStore: %s', (_, open) => {
  it('gives back what was created, every field of it', async () => {
    const store = open();
    const session = newSession(store);
    await store.create(session);
    expect(await store.findById(session.id)).toEqual(session);
    expect(await store.findById(store.newId())).toBeNull();
  });

  it('rotates in place: new hash, next generation, remembered predecessor and use, unconfirmed again', async () => {
    const store = open();
    const session = newSession(store);
    await store.create(session);
    await store.confirm(session.id, 0, at(1));
    await store.markRecovered(session.id, 0, at(1));
    const rotated = await store.rotate(rotation(session, 0));
    const expected: RefreshSession = {
      ...session,
      generation: 1,
      tokenHash: 'hash-1',
      predecessors: [rotation(session, 0).predecessor],
      recentUses: [...session.recentUses, rotation(session, 0).use],
      rotatedAt: at(1),
      lastUsedAt: at(1),
      expiresAt: at(2000),
    };
    expect(rotated).toEqual(expected);
    expect(await store.findById(session.id)).toEqual(expected);
  });

  it('counts live sessions of all users, looking at no more than it may', async () => {
    const store = open();
    // Later than any other test's sessions end.
    const now = at(1_000_000);
    const until = (seconds: number) => ({ expiresAt: at(1_000_000 + seconds) });
    const revoked = { revokedAt: at(0), revokedReason: 'logged_out' as const };
    for (const over of [until(0), until(1), { ...until(2), ...revoked }, { ...until(3), userId: 'v' }])
      await store.create(newSession(store, over));
    expect(await store.countLive(now, 10)).toEqual({ active: 2, isAtLeast: false });
    expect(await store.countLive(now, 4)).toEqual({ active: 2, isAtLeast: false });
    expect(await store.countLive(now, 3)).toEqual({ active: 2, isAtLeast: true });
    expect(await store.countLive(now, 2)).toEqual({ active: 1, isAtLeast: true });
    expect(await store.countLive(at(2_000_000), 2)).toEqual({ active: 0, isAtLeast: false });
  });

  it('leaves the expiry alone in the fixed mode', async () => {
    const store = open();
    const session = newSession(store);
    await store.create(session);
    expect((await store.rotate(rotation(session, 0, { expiresAt: null })))?.expiresAt).toEqual(at(1000));
  });

  it.each([
    ['another secret is current', {}, { ifTokenHash: 'other' }],
    ['the absolute expiry is another', {}, { ifAbsoluteExpiresAt: at(5001) }],
    ['it is revoked', { revokedAt: at(0), revokedReason: 'logged_out' as const }, {}],
    ['it has expired, at that very moment', { expiresAt: at(1) }, {}],
  ])('does not rotate where %s, and changes nothing', async (_case, state, command) => {
    const store = open();
    const session = newSession(store, state);
    await store.create(session);
    expect(await store.rotate(rotation(session, 0, command))).toBeNull();
    expect(await store.findById(session.id)).toEqual(session);
  });

  it('of 16 rotations of one token at once exactly one succeeds', async () => {
    const store = open();
    const session = newSession(store);
    await store.create(session);
    const results = await Promise.all(
      Array.from({ length: 16 }, (_unused, index) =>
        store.rotate(rotation(session, 0, { tokenHash: `next-${index}` })),
      ),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
    expect((await store.findById(session.id))?.generation).toBe(1);
  });

  it('remembers four predecessors and five uses, the latest ones', async () => {
    const store = open();
    const session = newSession(store);
    await store.create(session);
    for (let index = 0; index < 9; index += 1) await store.rotate(rotation(session, index));
    const after = await store.findById(session.id);
    expect(after?.predecessors.map(({ hash }) => hash)).toEqual(['hash-5', 'hash-6', 'hash-7', 'hash-8']);
    expect(after?.recentUses.map((use) => use.at)).toEqual([at(5), at(6), at(7), at(8), at(9)]);
  });

  it('confirms and marks as recovered once, and only the current generation', async () => {
    const store = open();
    const session = newSession(store, { generation: 3 });
    await store.create(session);
    await store.confirm(session.id, 2, at(1));
    await store.markRecovered(session.id, 4, at(1));
    expect(await store.findById(session.id)).toMatchObject({ confirmedAt: null, recoveredAt: null });
    for (const seconds of [2, 3]) {
      await store.markRecovered(session.id, 3, at(seconds));
      await store.confirm(session.id, 3, at(seconds));
    }
    expect(await store.findById(session.id)).toMatchObject({ confirmedAt: at(2), recoveredAt: at(2) });
  });

  it('a generation that was used is no longer recovered', async () => {
    const store = open();
    const session = newSession(store);
    await store.create(session);
    await store.confirm(session.id, 0, at(1));
    await store.markRecovered(session.id, 0, at(2));
    expect((await store.findById(session.id))?.recoveredAt).toBeNull();
  });

  it('keeps a fingerprint under another key, if it is still the one that was seen', async () => {
    const store = open();
    const session = newSession(store);
    await store.create(session);
    await store.replaceFingerprint(session.id, 'other', 'new');
    expect((await store.findById(session.id))?.device.fingerprint).toBe('f'.repeat(43));
    await store.replaceFingerprint(session.id, 'f'.repeat(43), 'new');
    expect((await store.findById(session.id))?.device.fingerprint).toBe('new');
  });

  it('revokes once: the first reason stays', async () => {
    const store = open();
    const sessions = [newSession(store), newSession(store), newSession(store)];
    for (const session of sessions) await store.create(session);
    const ids = sessions.map(({ id }) => id);
    expect(await store.revoke(ids.slice(0, 1), 'logged_out', at(1))).toEqual(ids.slice(0, 1));
    expect(await store.revoke(ids, 'evicted', at(2))).toEqual(ids.slice(1));
    expect(await store.findById(ids[0] ?? '')).toMatchObject({
      revokedAt: at(1),
      revokedReason: 'logged_out',
    });
    expect(await store.findById(ids[1] ?? '')).toMatchObject({ revokedAt: at(2), revokedReason: 'evicted' });
  });

  it('knows the devices of a user, of ended sessions too', async () => {
    const store = open();
    const userId = `user-${store.newId()}`;
    const device = { ...newSession(store).device, deviceId: 'phone-1' };
    await store.create(newSession(store, { userId, device, revokedAt: at(0), revokedReason: 'logged_out' }));
    expect(await store.hasDevice(userId, 'phone-1')).toBe(true);
    expect(await store.hasDevice(userId, 'phone-2')).toBe(false);
    expect(await store.hasDevice('another', 'phone-1')).toBe(false);
    const { tokenVersion } = newSession(store);
    expect(await store.hasDevice(userId, 'phone-1', tokenVersion)).toBe(true);
    expect(await store.hasDevice(userId, 'phone-1', 'a later version')).toBe(false);
  });

  it('remembers from where ended sessions began, and why they ended', async () => {
    const store = open();
    const userId = `user-${store.newId()}`;
    const ended = (['logged_out', 'ended_by_user', 'evicted'] as const).map((revokedReason, index) =>
      newSession(store, { userId, revokedAt: at(index), revokedReason }),
    );
    const others = [newSession(store, { userId }), newSession(store, { revokedAt: at(0) })];
    for (const session of [...ended, ...others]) await store.create(session);
    const found = await store.findEndedLogins(userId);
    const byReason = Object.fromEntries(found.map((login) => [login.revokedReason, login.id]));
    expect(byReason).toEqual(Object.fromEntries(ended.map(({ revokedReason, id }) => [revokedReason, id])));
    const { ip, userAgent } = ended[0]!.device;
    expect(found[0]).toMatchObject({ ip, userAgent, deviceId: null, at: at(0) });
  });

  it("lists a user's live sessions, latest use first, and where they began", async () => {
    const store = open();
    const userId = `user-${store.newId()}`;
    const [a, b, c] = [1, 2, 3].map((seconds) => newSession(store, { userId, lastUsedAt: at(seconds) }));
    const dead = newSession(store, { userId, revokedAt: at(0), revokedReason: 'logged_out' });
    const old = newSession(store, { userId, expiresAt: at(10) });
    for (const session of [a, c, dead, b, old]) if (session) await store.create(session);
    const live = await store.findLive(userId, at(10));
    expect(live.map(({ id }) => id)).toEqual([c?.id, b?.id, a?.id]);
    const logins = await store.findLogins(userId, at(10));
    const { userAgent } = a!.device;
    expect(logins.at(-1)).toEqual({ id: a?.id, ip: '192.0.2.1', userAgent, deviceId: null, at: at(0) });
    expect(logins.map(({ id }) => id)).toEqual((await store.findLive(userId, at(10))).map(({ id }) => id));
  });
});

describe('the refresh_tokens collection', () => {
  it('has a TTL index on the expiry, and one for the sessions of a user', async () => {
    const indexes = await connection.collection('refresh_tokens').listIndexes().toArray();
    expect(indexes).toContainEqual(expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }));
    expect(indexes).toContainEqual(
      expect.objectContaining({ key: { userId: 1, revokedAt: 1, lastUsedAt: -1 } }),
    );
  });

  it('invariant 7: the bytes of a session stop growing, and stay under 2.5 kB', async () => {
    const session = newSession(mongo);
    await mongo.create(session);
    const sizes: number[] = [];
    const hashes = Array.from({ length: 31 }, (_unused, index) =>
      index === 0 ? 'hash-0' : String(index).padStart(43, 'h'),
    );
    for (let index = 0; index < 30; index += 1) {
      const predecessor = { hash: 'p'.repeat(43), sealed: 's'.repeat(80), rotatedAt: at(index) };
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
    expect(steady[0]).toBeLessThan(2500);
  });
});
