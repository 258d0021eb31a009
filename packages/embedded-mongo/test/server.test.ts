import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { BSON, Long, MongoClient, ObjectId } from 'mongodb';
import mongoose from 'mongoose';
import { eventually } from '../../../test/support/eventually.js';
import { type EmbeddedMongo, type EmbeddedMongoOptions, startEmbeddedMongo } from '../src/index.js';
import { LossyProxy } from './support/lossy-proxy.js';
import { RawClient } from './support/raw-client.js';

let database: EmbeddedMongo;
let client: MongoClient;

beforeAll(async () => {
  database = await startEmbeddedMongo({ ttlMonitorIntervalMs: 20 });
  client = await MongoClient.connect(database.uri);
});

afterAll(async () => {
  await client.close();
  await database.close();
});

const NOT_IMPLEMENTED = { code: 238, codeName: 'NotImplemented' };

describe('the driver', () => {
  it('writes, reads back, and reports the key and value of a duplicate', async () => {
    const users = client.db('smoke').collection('users');
    await users.createIndex({ email: 1 }, { unique: true });
    await users.insertMany([
      { email: 'a@x.io', n: 1 },
      { email: 'b@x.io', n: 2 },
    ]);
    await expect(users.insertOne({ email: 'a@x.io' })).rejects.toMatchObject({
      code: 11000,
      keyPattern: { email: 1 },
      keyValue: { email: 'a@x.io' },
      message:
        'E11000 duplicate key error collection: smoke.users index: email_1 dup key: { email: "a@x.io" }',
    });
    const changed = await users.findOneAndUpdate(
      { email: 'a@x.io' },
      { $inc: { n: 5 } },
      { returnDocument: 'after' },
    );
    expect(changed).toMatchObject({ n: 6 });
    const many = await users.updateMany({}, { $set: { seen: true } });
    expect(many).toMatchObject({ matchedCount: 2, modifiedCount: 2 });
    expect(await users.countDocuments({ seen: true })).toBe(2);
    const sorted = users.find({}, { sort: { n: -1 }, projection: { _id: 0, n: 1 } });
    expect(await sorted.toArray()).toEqual([{ n: 6 }, { n: 2 }]);
    expect(await users.deleteOne({ n: 2 })).toMatchObject({ deletedCount: 1 });
    expect((await users.indexes()).map(({ name }) => name)).toEqual(['_id_', 'email_1']);
  });

  it('writes in bulk', async () => {
    const result = await client
      .db('smoke')
      .collection<{ _id: number; n?: number }>('bulk')
      .bulkWrite([
        { insertOne: { document: { _id: 1 } } },
        { updateOne: { filter: { _id: 2 }, update: { $set: { n: 1 } }, upsert: true } },
        { updateOne: { filter: { _id: 1 }, update: { $set: { n: 3 } } } },
        { deleteOne: { filter: { _id: 2 } } },
      ]);
    expect(result).toMatchObject({ insertedCount: 1, upsertedCount: 1, modifiedCount: 1, deletedCount: 1 });
  });

  it('pages through more than one reply can hold', async () => {
    const large = client.db('smoke').collection('large');
    const text = 'x'.repeat(1024 * 1024);
    await large.insertMany(Array.from({ length: 40 }, (_, i) => ({ i, text })));
    const seen = await large.find({}, { sort: { i: 1 } }).toArray();
    expect(seen.map(({ i }) => i as number)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    await expect(large.insertOne({ text: 'x'.repeat(16 * 1024 * 1024) })).rejects.toThrow(
      /too large|larger than/,
    );
    await large.drop();
  });

  it('may write without waiting for an answer', async () => {
    const quiet = client.db('smoke').collection<{ _id: number }>('quiet');
    await quiet.insertOne({ _id: 1 }, { writeConcern: { w: 0 } });
    const found = await eventually(
      () => quiet.findOne(),
      (document) => document !== null,
    );
    expect(found).toEqual({ _id: 1 });
  });

  it('gets a refusal for what this server lacks', async () => {
    const collection = client.db('smoke').collection('users');
    await expect(collection.find({ email: /a/ }).toArray()).rejects.toMatchObject(NOT_IMPLEMENTED);
    await expect(collection.find().collation({ locale: 'en' }).toArray()).rejects.toMatchObject(
      NOT_IMPLEMENTED,
    );
    await expect(collection.createIndex({ place: '2dsphere' })).rejects.toMatchObject(NOT_IMPLEMENTED);
    const session = client.startSession();
    session.startTransaction();
    await expect(collection.insertOne({ n: 1 }, { session })).rejects.toMatchObject(NOT_IMPLEMENTED);
    await session.abortTransaction().catch(() => undefined);
    await session.endSession();
  });

  it('gets an error for a time longer than MongoDB waits', async () => {
    const patient = client
      .db('smoke')
      .collection('users')
      .find({}, { maxTimeMS: 2 ** 31 });
    await expect(patient.toArray()).rejects.toMatchObject({ code: 2, codeName: 'BadValue' });
    expect(await client.db('smoke').command({ ping: 1, maxTimeMS: 2 ** 31 - 1 })).toEqual({ ok: 1 });
  });

  it('may set a wait only on a cursor that can grow', async () => {
    const few = client.db('smoke').collection('few');
    await few.insertMany([{ n: 1 }, { n: 2 }, { n: 3 }]);
    const raw = await RawClient.connect(database.port);
    const { cursor } = await raw.command('smoke', { find: 'few', batchSize: 1 });
    const more = { getMore: (cursor as BSON.Document).id as Long, collection: 'few' };
    const refused = await raw.command('smoke', { ...more, maxTimeMS: 1 });
    expect(refused).toMatchObject({ code: new BSON.Int32(2), codeName: 'BadValue' });
    // The cursor still works.
    const { cursor: rest } = await raw.command('smoke', more);
    expect((rest as BSON.Document).nextBatch).toHaveLength(2);
    raw.close();
  });

  it('works within an explicit session', async () => {
    await client.withSession(async (session) => {
      const users = client.db('smoke').collection<{ _id: number }>('sessions');
      await users.insertOne({ _id: 1 }, { session });
      expect(await users.findOne({ _id: 1 }, { session })).toEqual({ _id: 1 });
    });
  });
});

describe('Mongoose', () => {
  it('creates, finds, saves with versions, and synchronises indexes', async () => {
    const connection = await mongoose.createConnection(database.uri, { dbName: 'mongoose' }).asPromise();
    const schema = new mongoose.Schema({ email: { type: String, unique: true }, tags: [String], at: Date });
    const User = connection.model('User', schema);
    await User.init();
    const user = await User.create({ email: 'a@x.io', tags: ['x'] });
    const stale = await User.findById(user._id).orFail();
    user.tags.push('y');
    await user.save();
    expect(await User.findById(user._id).lean()).toMatchObject({ tags: ['x', 'y'] });
    stale.tags = ['z'];
    stale.increment();
    await expect(stale.save()).rejects.toThrow(mongoose.Error.VersionError);
    const upserted = await User.findOneAndUpdate(
      { email: 'n@x.io' },
      { $setOnInsert: { tags: ['z'] } },
      { upsert: true, returnDocument: 'after' },
    );
    expect(upserted).toMatchObject({ tags: ['z'] });
    expect(await User.exists({ _id: new ObjectId() })).toBeNull();
    expect(await User.syncIndexes()).toEqual([]);
    await connection.close();
  });
});

describe('a retryable write', () => {
  it('whose reply was lost is answered again and run once', async () => {
    const proxy = await LossyProxy.before(database.port);
    const through = await MongoClient.connect(`mongodb://127.0.0.1:${proxy.port}/?directConnection=true`);
    const counters = through.db('retry').collection<{ _id: number; n: number }>('counters');
    await counters.insertOne({ _id: 1, n: 0 });
    proxy.loseReplyTo('findAndModify');
    const found = await counters.findOneAndUpdate(
      { _id: 1 },
      { $inc: { n: 1 } },
      { returnDocument: 'after' },
    );
    expect(found).toEqual({ _id: 1, n: 1 });
    proxy.loseReplyTo('insert');
    expect(await counters.insertOne({ _id: 2, n: 0 })).toMatchObject({ insertedId: 2 });
    expect(proxy.dropped).toBe(2);
    expect(await counters.findOne({ _id: 1 })).toEqual({ _id: 1, n: 1 });
    await through.close();
    await proxy.close();
  });

  it('older than the last one of its session is refused', async () => {
    const raw = await RawClient.connect(database.port);
    const lsid = { id: new BSON.UUID() };
    const insert = (id: number, txn: number) =>
      raw.command('retry', {
        insert: 'old',
        documents: [{ _id: id }],
        lsid,
        txnNumber: Long.fromNumber(txn),
      });
    expect(Number((await insert(1, 5)).n)).toBe(1);
    expect(Number((await insert(2, 4)).code)).toBe(225);
    raw.close();
  });
});

describe('a change stream', () => {
  it('reports each change as it happens, and resumes after a token', async () => {
    const feed = client.db('streams').collection<{ _id: number; n?: number; gone?: boolean }>('feed');
    await feed.insertOne({ _id: 0 });
    const stream = feed.watch([{ $match: { operationType: { $in: ['insert', 'update', 'delete'] } } }]);
    await stream.tryNext();
    const first = stream.next();
    await feed.insertOne({ _id: 1, gone: true });
    expect(await first).toMatchObject({ operationType: 'insert', fullDocument: { _id: 1, gone: true } });
    await feed.updateOne({ _id: 1 }, { $set: { n: 2 }, $unset: { gone: '' } });
    const update = await stream.next();
    expect(update).toMatchObject({
      operationType: 'update',
      documentKey: { _id: 1 },
      updateDescription: { updatedFields: { n: 2 }, removedFields: ['gone'] },
      ns: { db: 'streams', coll: 'feed' },
    });
    await feed.deleteOne({ _id: 1 });
    await stream.close();
    const resumed = feed.watch([], { resumeAfter: update._id });
    expect(await resumed.next()).toMatchObject({ operationType: 'delete', documentKey: { _id: 1 } });
    await resumed.close();
  });

  it('reports no other collection, and ends with its own', async () => {
    const db = client.db('streams');
    const stream = db.collection('mine').watch();
    await stream.tryNext();
    const first = stream.next();
    await db.collection('other').insertOne({ n: 1 });
    await db.collection('mine').insertOne({ n: 2 });
    expect(await first).toMatchObject({ fullDocument: { n: 2 } });
    await db.collection('mine').drop();
    expect(await stream.next()).toMatchObject({ operationType: 'drop' });
    expect(await stream.next()).toMatchObject({ operationType: 'invalidate' });
    await stream.close();
  });

  it('refuses a change within a field, unless its filter excludes the change', async () => {
    const nested = client.db('streams').collection<{ _id: number; o?: object; l?: number[] }>('nested');
    await nested.insertOne({ _id: 0, o: { a: 1, b: 2 }, l: [1, 2] });
    const others = nested.watch([{ $match: { operationType: 'insert' } }]);
    await others.tryNext();
    for (const change of [{ $set: { 'o.a': 2 } }, { $set: { o: { a: 3, b: 2 } } }, { $push: { l: 3 } }]) {
      const stream = nested.watch();
      await stream.tryNext();
      const next = stream.next();
      await nested.updateOne({ _id: 0 }, change);
      await expect(next).rejects.toMatchObject(NOT_IMPLEMENTED);
      await stream.close();
    }
    const whole = nested.watch();
    await whole.tryNext();
    await nested.updateOne({ _id: 0 }, { $set: { o: [1], l: [] } });
    await expect(whole.next()).rejects.toMatchObject(NOT_IMPLEMENTED);
    await whole.close();
    const certain = nested.watch();
    await certain.tryNext();
    await nested.updateOne({ _id: 0 }, { $set: { o: { a: 1 }, n: [1] }, $unset: { l: '' } });
    const description = { updatedFields: { o: { a: 1 }, n: [1] }, removedFields: ['l'], truncatedArrays: [] };
    expect(await certain.next()).toMatchObject({ updateDescription: description });
    await certain.close();
    await nested.insertOne({ _id: 1 });
    expect(await others.next()).toMatchObject({ documentKey: { _id: 1 } });
    await others.close();
  });

  it('fails to resume after an event that is no longer kept', async () => {
    const token = { _data: '820000000100000001' };
    const stream = client.db('streams').collection('feed').watch([], { resumeAfter: token });
    await expect(stream.next()).rejects.toMatchObject({ code: 286 });
    await stream.close();
  });
});

describe('the TTL monitor', () => {
  it('removes what has expired and nothing else', async () => {
    const entries = client.db('ttl').collection<{ _id: string; exp?: unknown }>('entries');
    await entries.createIndex({ exp: 1 }, { expireAfterSeconds: 0 });
    const stream = entries.watch([{ $match: { operationType: 'delete' } }]);
    await stream.tryNext();
    const past = new Date(Date.now() - 1000);
    const future = new Date(Date.now() + 3_600_000);
    await entries.insertMany([
      { _id: 'past', exp: past },
      { _id: 'future', exp: future },
      { _id: 'string', exp: '2000-01-01' },
      { _id: 'missing' },
    ]);
    await stream.next();
    const left = await entries.find({}, { sort: { _id: 1 } }).toArray();
    expect(left.map(({ _id }) => _id)).toEqual(['future', 'missing', 'string']);
    await stream.close();
  });
});

describe('bytes that are not a message', () => {
  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a length below the header', Buffer.alloc(16)],
    ['random bytes', Buffer.from('ff'.repeat(64), 'hex')],
    ['a checksum', Buffer.from('150000000100000000000000dd0700000100000000', 'hex')],
  ])('%s close that connection and harm no other', async (_, bytes) => {
    const socket = connect(database.port, '127.0.0.1');
    const closed = once(socket, 'close');
    socket.on('error', () => undefined);
    socket.resume();
    socket.end(bytes);
    await closed;
    expect(await client.db('smoke').command({ ping: 1 })).toEqual({ ok: 1 });
  });
});

describe('malformed messages', () => {
  it('are answered, or their connection is closed, and the server keeps running', async () => {
    const insert = BSON.serialize({ insert: 'tampered', documents: [{ a: [1, { b: 'x' }] }], $db: 'wire' });
    const whole = Buffer.concat([Buffer.alloc(21), insert]);
    whole.writeInt32LE(whole.length, 0);
    whole.writeInt32LE(2013, 12);
    const place = fc.nat(whole.length - 1);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const bytes = Buffer.from(whole);
          for (const [at, byte] of changes) bytes[at] = byte;
          const socket = connect(database.port, '127.0.0.1');
          const closed = once(socket, 'close');
          socket.on('error', () => undefined);
          socket.resume();
          socket.end(bytes);
          await closed;
        },
      ),
      { numRuns: 500 },
    );
    expect(await client.db('smoke').command({ ping: 1 })).toEqual({ ok: 1 });
  });
});

describe(startEmbeddedMongo.name, () => {
  it('refuses production', async () => {
    const before = process.env.NODE_ENV;
    process.env.NODE_ENV = 'production';
    try {
      await expect(startEmbeddedMongo()).rejects.toThrow(/NODE_ENV=production/);
    } finally {
      process.env.NODE_ENV = before;
    }
  });

  it('says at start where it listens, and that it is for development and tests only', async () => {
    const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const other = await startEmbeddedMongo();
    const said = write.mock.calls.map(([text]) => String(text)).join('');
    write.mockRestore();
    expect(said).toContain(`127.0.0.1:${other.port}, for development and tests only`);
    await other.close();
  });

  it('listens on 127.0.0.1 only, whatever it is asked for', async () => {
    const other = await startEmbeddedMongo({ host: '0.0.0.0' } as EmbeddedMongoOptions);
    // An address of this machine on which a server on all interfaces would answer.
    const socket = connect(other.port, '127.0.0.2');
    await expect(once(socket, 'connect')).rejects.toThrow(/ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH/);
    await other.close();
  });

  it('reports that a port is taken', async () => {
    await expect(startEmbeddedMongo({ port: database.port })).rejects.toThrow(/EADDRINUSE/);
  });

  it('closes while a client waits', async () => {
    const other = await startEmbeddedMongo();
    const waiting = await MongoClient.connect(other.uri, { serverSelectionTimeoutMS: 5_000 });
    const stream = waiting.db('x').collection('y').watch();
    await stream.tryNext();
    const next = stream.next().catch((error: Error) => error);
    await other.close();
    expect(await next).toBeInstanceOf(Error);
    await waiting.close();
  });
});
