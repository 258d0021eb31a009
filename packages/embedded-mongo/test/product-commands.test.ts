import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BSON } from 'mongodb';
import { type EmbeddedMongo, startEmbeddedMongo } from '../src/index.js';
import { RawClient } from './support/raw-client.js';

type Document = BSON.Document;

/**
 * The commands of the product's stores, in their exact form: the recorded answers of MongoDB cover each operator
 * alone, this suite covers them together. It compares whole answers, including the types of numbers and the order
 * of fields.
 */
let database: EmbeddedMongo;
let client: RawClient;

beforeEach(async () => {
  database = await startEmbeddedMongo({ ttlMonitorIntervalMs: 3_600_000 });
  client = await RawClient.connect(database.port);
});

afterEach(async () => {
  client.close();
  await database.close();
});

const ok = new BSON.Double(1);
const int = (value: number) => new BSON.Int32(value);
const majority = { writeConcern: { w: 'majority' } };
const lsid = { id: new BSON.UUID() };
let transactions = 0;

/** A retryable write, as the driver sends it. */
const write = (command: Document) =>
  client.command('product', {
    ...command,
    ...majority,
    lsid,
    txnNumber: BSON.Long.fromNumber((transactions += 1)),
  });

const read = (command: Document) => client.command('product', command);

/** Text that shows types and the order of fields. */
const text = (value: unknown) => BSON.EJSON.stringify(value, { relaxed: false });

async function rows(collection: string, projection: Document = {}): Promise<Document[]> {
  const reply = await read({ find: collection, sort: { _id: 1 }, projection });
  return (reply.cursor as Document).firstBatch as Document[];
}

describe('the rotation of a refresh token', () => {
  const _id = new BSON.ObjectId();
  const [past, now, future] = [new Date(1000), new Date(2000), new Date(3000)];
  const session = {
    _id,
    userId: 'u',
    generation: int(0),
    tokenHash: 'h0',
    rotatedAt: past,
    confirmedAt: past,
    recoveredAt: null,
    lastUsedAt: past,
    expiresAt: future,
    absoluteExpiresAt: future,
    revokedAt: null,
    predecessors: [{ hash: 'p' }],
    recentUses: [],
  };
  const rotate = (tokenHash: string) =>
    write({
      findAndModify: 'refresh_tokens',
      query: { _id, tokenHash, absoluteExpiresAt: future, revokedAt: null, expiresAt: { $gt: now } },
      remove: false,
      new: true,
      upsert: false,
      update: {
        $set: { tokenHash: 'h1', rotatedAt: now, confirmedAt: null, recoveredAt: null, lastUsedAt: now },
        $inc: { generation: int(1) },
        $push: {
          predecessors: { $each: [{ hash: 'h0' }], $slice: int(-1) },
          recentUses: { $each: [{ ip: null, at: now }], $slice: int(-2) },
        },
      },
    });

  it('returns the new session to the first caller and nothing to the second', async () => {
    await write({ insert: 'refresh_tokens', documents: [session], ordered: true });
    const rotated = {
      ...session,
      generation: int(1),
      tokenHash: 'h1',
      rotatedAt: now,
      confirmedAt: null,
      lastUsedAt: now,
      predecessors: [{ hash: 'h0' }],
      recentUses: [{ ip: null, at: now }],
    };
    const hit = { lastErrorObject: { n: int(1), updatedExisting: true }, value: rotated, ok };
    expect(text(await rotate('h0'))).toBe(text(hit));
    const miss = { lastErrorObject: { n: int(0), updatedExisting: false }, value: null, ok };
    expect(text(await rotate('h0'))).toBe(text(miss));
  });

  it('changes nothing in a session that has ended, for whatever reason', async () => {
    await write({ insert: 'refresh_tokens', documents: [{ ...session, expiresAt: now }], ordered: true });
    expect((await rotate('h0')).value).toBeNull();
    const revoke = { q: { _id, revokedAt: null }, u: { $set: { revokedAt: now, revokedReason: 'logout' } } };
    const revoked = () => write({ update: 'refresh_tokens', updates: [revoke], ordered: true });
    expect(text(await revoked())).toBe(text({ n: int(1), nModified: int(1), ok }));
    expect(text(await revoked())).toBe(text({ n: int(0), nModified: int(0), ok }));
  });
});

describe('live sessions', () => {
  const count = async (limit: number) => {
    const pipeline = [
      { $match: { expiresAt: { $gt: new Date(0) } } },
      { $limit: int(limit) },
      { $match: { revokedAt: null } },
      { $count: 'live' },
    ];
    const reply = await read({ aggregate: 'refresh_tokens', pipeline, cursor: {} });
    return (reply.cursor as Document).firstBatch as Document[];
  };

  it('are counted up to a limit, which applies before revoked ones are filtered out', async () => {
    expect(await count(10)).toEqual([]);
    const documents = [null, new Date(1), null, null].map((revokedAt, i) => ({
      _id: i,
      revokedAt,
      expiresAt: new Date(10 + i),
    }));
    await read({
      createIndexes: 'refresh_tokens',
      indexes: [{ key: { expiresAt: 1 }, name: 'expiresAt_1', expireAfterSeconds: 0 }],
    });
    await write({ insert: 'refresh_tokens', documents, ordered: true });
    expect(text(await count(10))).toBe(text([{ live: int(3) }]));
    expect(text(await count(2))).toBe(text([{ live: int(1) }]));
  });
});

describe('a revocation', () => {
  const revoke = (expiresAt: Date) =>
    write({
      update: 'revocations',
      updates: [
        {
          q: { _id: 'sid:s' },
          upsert: true,
          u: { $max: { expiresAt }, $currentDate: { at: true } },
        },
      ],
      ordered: true,
    });

  it('is stored once, with its longest life and the time of its last write', async () => {
    const upserted = [{ index: int(0), _id: 'sid:s' }];
    const before = Date.now();
    expect(text(await revoke(new Date(9000)))).toBe(text({ n: int(1), upserted, nModified: int(0), ok }));
    expect((await revoke(new Date(5000))).n).toEqual(int(1));
    const [row] = await rows('revocations');
    // New fields come in the order of their names.
    expect(Object.keys(row ?? {})).toEqual(['_id', 'at', 'expiresAt']);
    expect(row?.expiresAt).toEqual(new Date(9000));
    expect((row?.at as Date).getTime()).toBeGreaterThanOrEqual(before);
  });

  it('reaches a change stream: whole at first, then the fields that changed', async () => {
    const opened = await read({
      aggregate: 'revocations',
      pipeline: [
        { $changeStream: {} },
        { $match: { operationType: { $in: ['insert', 'update', 'replace'] } } },
      ],
      cursor: {},
    });
    const { id, ...rest } = opened.cursor as Document;
    expect(Object.keys(opened.cursor as Document).sort()).toEqual([
      'firstBatch',
      'id',
      'ns',
      'postBatchResumeToken',
    ]);
    expect(rest).toMatchObject({ firstBatch: [], ns: 'product.revocations' });
    await revoke(new Date(5000));
    await revoke(new Date(9000));
    await read({ delete: 'revocations', deletes: [{ q: {}, limit: 0 }] });
    const more = await read({ getMore: id as BSON.Long, collection: 'revocations', maxTimeMS: int(1000) });
    const [insert, update, ...others] = (more.cursor as Document).nextBatch as Document[];
    expect(others).toEqual([]);
    expect(insert).toMatchObject({
      operationType: 'insert',
      fullDocument: { _id: 'sid:s', expiresAt: new Date(5000) },
      ns: { db: 'product', coll: 'revocations' },
      documentKey: { _id: 'sid:s' },
    });
    expect(update).toMatchObject({ operationType: 'update', documentKey: { _id: 'sid:s' } });
    const { updatedFields, removedFields } = update?.updateDescription as Document;
    expect((updatedFields as Document).expiresAt).toEqual(new Date(9000));
    expect(removedFields).toEqual([]);
  });
});

describe('counters of a day', () => {
  const statement = (type: string, inc: Document) => ({
    q: { _id: `2026-01-01 ${type}` },
    u: { $inc: inc, $setOnInsert: { day: '2026-01-01', type, expiresAt: new Date(9) } },
    upsert: true,
  });
  const count = (...updates: Document[]) => write({ update: 'security_daily', updates, ordered: false });

  it('are created and increased together, one for each reason; a refused one does not affect the others', async () => {
    const first = await count(
      statement('a', { count: int(2) }),
      statement('b', { count: int(1), 'reasons.wrong_password': int(1) }),
    );
    const upserted = [
      { index: int(0), _id: '2026-01-01 a' },
      { index: int(1), _id: '2026-01-01 b' },
    ];
    expect(text(first)).toBe(text({ n: int(2), upserted, nModified: int(0), ok }));
    await read({ insert: 'security_daily', documents: [{ _id: '2026-01-01 c', count: 'many' }] });
    const second = await count(
      statement('a', { count: int(1) }),
      statement('c', { count: int(1) }),
      statement('b', { count: int(1), 'reasons.disabled': int(3) }),
    );
    const [error, ...others] = second.writeErrors as Document[];
    expect(others).toEqual([]);
    expect(error).toMatchObject({ index: int(1), code: int(14) });
    expect({ n: second.n as unknown, nModified: second.nModified as unknown }).toEqual({
      n: int(2),
      nModified: int(2),
    });
    const found = await rows('security_daily', { day: 0, expiresAt: 0 });
    expect(text(found)).toBe(
      text([
        { _id: '2026-01-01 a', count: int(3), type: 'a' },
        {
          _id: '2026-01-01 b',
          count: int(2),
          reasons: { wrong_password: int(1), disabled: int(3) },
          type: 'b',
        },
        { _id: '2026-01-01 c', count: 'many' },
      ]),
    );
  });
});

describe('events', () => {
  it('that were written before are refused one by one, and the others are written', async () => {
    const uuid = (last: string) => new BSON.UUID(`35a3fe83-03a5-757a-88fa-c65452bc6f${last}`).toBinary();
    const insert = (...ids: string[]) =>
      client.command('product', {
        insert: 'security_events',
        documents: ids.map((id) => ({ _id: uuid(id), type: 't' })),
        ordered: false,
        ...majority,
      });
    expect(text(await insert('01', '02'))).toBe(text({ n: int(2), ok }));
    const again = await insert('02', '03', '01', '04');
    const refused = (index: number, id: string) => ({
      index: int(index),
      code: int(11000),
      keyPattern: { _id: int(1) },
      keyValue: { _id: uuid(id) },
      errmsg: `E11000 duplicate key error collection: product.security_events index: _id_ dup key: { _id: UUID("35a3fe83-03a5-757a-88fa-c65452bc6f${id}") }`,
    });
    expect(again).toEqual({ n: int(2), writeErrors: [refused(0, '02'), refused(2, '01')], ok });
    expect(await rows('security_events')).toHaveLength(4);
  });

  it('are paged backwards in time, and a filter from outside is a value', async () => {
    const uuid = (last: number) => new BSON.UUID(`35a3fe83-03a5-757a-88fa-c65452bc6f0${last}`).toBinary();
    const documents = [1, 2, 3, 4, 5].map((n) => ({
      _id: uuid(n),
      type: n === 3 ? 'x' : 't',
      expiresAt: new Date(n),
    }));
    await client.command('product', { insert: 'security_events', documents, ordered: false, ...majority });
    const page = async (filter: Document) => {
      const sort = { _id: int(-1) };
      const projection = { expiresAt: int(0) };
      const reply = await read({ find: 'security_events', filter, sort, projection, limit: int(2) });
      return text(reply.cursor);
    };
    const cursor = (...firstBatch: Document[]) =>
      text({ firstBatch, id: BSON.Long.ZERO, ns: 'product.security_events' });
    const event = (n: number) => ({ _id: uuid(n), type: 't' });
    const before = { $gte: uuid(2), $lt: uuid(5) };
    expect(await page({ type: { $eq: 't' }, _id: before })).toBe(cursor(event(4), event(2)));
    expect(await page({ userId: { $eq: { $ne: 'u' } } })).toBe(cursor());
  });
});

describe('a counter of attempts', () => {
  const inTime = { $or: [{ expire: { $gt: new Date(1000) } }, { expire: { $eq: null } }] };
  const over = { $or: [{ expire: { $lte: new Date(1000) } }, { expire: { $eq: null } }] };
  const upsert = (query: Document, update: Document) =>
    write({ findAndModify: 'throttle', query: { ...query, key: 'k' }, update, upsert: true, new: true });
  const hit = (expire: Date) => ({ $setOnInsert: { key: 'k', expire }, $inc: { points: int(1) } });

  it('is created, increased, and restarted when it has expired: the existing document prevents a second one', async () => {
    await read({
      createIndexes: 'throttle',
      indexes: [{ key: { key: 1 }, name: 'key_1', unique: true }],
    });
    const made = await upsert(inTime, hit(new Date(2000)));
    expect(made.lastErrorObject).toMatchObject({ n: int(1), updatedExisting: false });
    expect((made.lastErrorObject as Document).upserted).toBeInstanceOf(BSON.ObjectId);
    expect(made.value).toMatchObject({ key: 'k', points: int(1), expire: new Date(2000) });
    const raised = await upsert(inTime, hit(new Date(2000)));
    expect(raised).toMatchObject({ lastErrorObject: { updatedExisting: true }, value: { points: int(2) } });

    await write({ update: 'throttle', updates: [{ q: {}, u: { $set: { expire: new Date(1000) } } }] });
    expect(await upsert(inTime, hit(new Date(3000)))).toMatchObject({
      ok: new BSON.Double(0),
      code: int(11000),
      keyPattern: { key: int(1) },
      keyValue: { key: 'k' },
    });
    const begun = await upsert(over, { $set: { key: 'k', points: int(1), expire: new Date(3000) } });
    expect(begun).toMatchObject({ value: { points: int(1), expire: new Date(3000) } });
  });
});
