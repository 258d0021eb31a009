import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BSON, MongoClient } from 'mongodb';
import { type EmbeddedMongo, startEmbeddedMongo } from '../src/index.js';
import { RawClient } from './support/raw-client.js';

type Document = BSON.Document;

/** What MongoDB has and this server lacks: refused with a reason, never ignored. */
let database: EmbeddedMongo;
let client: RawClient;

const doc = { _id: 1, a: 1 };

beforeAll(async () => {
  database = await startEmbeddedMongo({ ttlMonitorIntervalMs: 3_600_000 });
  client = await RawClient.connect(database.port);
  await client.command('db', { insert: 'c', documents: [doc] });
});

afterAll(async () => {
  client.close();
  await database.close();
});

async function expectRefusal(command: Document): Promise<void> {
  const reply = await client.command('db', command);
  const [error = reply] = (reply.writeErrors as Document[] | undefined) ?? [];
  expect(error.code).toEqual(new BSON.Int32(238));
  expect(error.errmsg).toMatch(/ is not implemented by the embedded development server; use a real MongoDB$/);
  const left = await client.command('db', { find: 'c' });
  expect((left.cursor as Document).firstBatch).toEqual([{ _id: new BSON.Int32(1), a: new BSON.Int32(1) }]);
}

describe('is refused', () => {
  // prettier-ignore
  it.each([
    'abortTransaction', 'buildInfo', 'bulkWrite', 'collMod', 'collStats', 'commitTransaction', 'connectionStatus', 'dbStats',
    'deleteIndexes', 'distinct', 'findandmodify', 'isMaster', 'killSessions', 'listDatabases', 'mapReduce',
    'noSuchCommand', 'refreshSessions', 'renameCollection', 'saslStart', 'serverStatus', 'startSession', 'validate', 'whatsmyuri',
  ])('the command %s', async (name) => {
    await expectRefusal({ [name]: 'c' });
  });

  const update = (statement: Document) => ({
    update: 'c',
    updates: [{ q: {}, u: { $set: { a: 2 } }, ...statement }],
  });
  const remove = (statement: Document) => ({ delete: 'c', deletes: [{ q: {}, limit: 1, ...statement }] });
  const modify = { findAndModify: 'c', update: { $set: { a: 2 } } };
  const index = (options: Document) => ({
    createIndexes: 'c',
    indexes: [{ key: { a: 1 }, name: 'a_1', ...options }],
  });
  const stream = (options: Document, ...stages: Document[]) => ({
    aggregate: 'c',
    pipeline: [{ $changeStream: options }, ...stages],
    cursor: {},
  });
  const transaction = {
    lsid: { id: new BSON.UUID() },
    txnNumber: BSON.Long.ONE,
    startTransaction: true,
    autocommit: false,
  };

  it.each<[string, Document]>([
    ['skip in a find', { find: 'c', skip: 1 }],
    ['a hint in a find', { find: 'c', hint: '_id_' }],
    ['a collation in a find', { find: 'c', collation: { locale: 'en' } }],
    ['a tailable cursor', { find: 'c', tailable: true }],
    ['let in a find', { find: 'c', let: {} }],
    ['a $slice projection', { find: 'c', projection: { a: { $slice: 1 } } }],
    ['a projection within a projection', { find: 'c', projection: { a: { b: 1 } } }],
    ['the order of insertion', { find: 'c', sort: { $natural: 1 } }],
    ['a count with a query', { count: 'c', query: { a: 1 } }],
    ['a hint in an aggregation', { aggregate: 'c', pipeline: [], cursor: {}, hint: '_id_' }],
    ['an aggregation over a database', { aggregate: 1, pipeline: [], cursor: {} }],
    ['a replacement', update({ u: { a: 2 } })],
    ['a pipeline as an update', update({ u: [{ $set: { a: 2 } }] })],
    ['a hint in an update', update({ hint: '_id_' })],
    ['a collation in an update', update({ collation: { locale: 'en' } })],
    ['arrayFilters', update({ arrayFilters: [{ x: 1 }] })],
    ['a positional operator', update({ u: { $set: { 'a.$[]': 1 } } })],
    ['a hint in a delete', remove({ hint: '_id_' })],
    ['a sorted findAndModify', { ...modify, sort: { a: 1 } }],
    ['a hint in a findAndModify', { ...modify, hint: '_id_' }],
    ['bypassDocumentValidation', { insert: 'c', documents: [{}], bypassDocumentValidation: true }],
    ['a sparse index', index({ sparse: true })],
    ['a hidden index', index({ hidden: true })],
    ['an index with a collation', index({ collation: { locale: 'en' } })],
    ['an index of version 1', index({ v: 1 })],
    ['a hashed index', index({ key: { a: 'hashed' } })],
    ['a text index', index({ key: { a: 'text' } })],
    ['a 2dsphere index', index({ key: { a: '2dsphere' } })],
    ['a wildcard index', index({ key: { '$**': 1 } })],
    ['$or in a partial index', index({ partialFilterExpression: { $or: [{ a: 1 }] } })],
    ['$in in a partial index', index({ partialFilterExpression: { a: { $in: [1] } } })],
    ['a drop of all indexes', { dropIndexes: 'c', index: '*' }],
    ['a drop of an index by its key', { dropIndexes: 'c', index: { a: 1 } }],
    ['a capped collection', { create: 'capped', capped: true, size: 1 }],
    ['a view', { create: 'view', viewOn: 'c', pipeline: [] }],
    ['fullDocument of a change stream', stream({ fullDocument: 'updateLookup' })],
    ['startAfter of a change stream', stream({ startAfter: { _data: '82' } })],
    [
      'startAtOperationTime of a change stream',
      stream({ startAtOperationTime: BSON.Timestamp.fromBits(1, 1) }),
    ],
    ['a change stream over all collections', stream({ allChangesForCluster: true })],
    ['a $project over a change stream', stream({}, { $project: { a: 1 } })],
    ['a transaction', { insert: 'c', documents: [{}], ...transaction }],
    ['a read concern of snapshot', { find: 'c', readConcern: { level: 'snapshot' } }],
    ['a write concern of two members', { insert: 'c', documents: [{}], writeConcern: { w: 2 } }],
    ['a stable API version', { ping: 1, apiVersion: '1' }],
    ['an empty timestamp', { insert: 'c', documents: [{ t: BSON.Timestamp.fromBits(0, 0) }] }],
  ])('%s', async (_, command) => {
    await expectRefusal(command);
  });

  it('a sequence of documents that would become the prototype of the command', async () => {
    const reply = await client.command('db', { ping: 1 }, { ['__proto__']: [{ _id: 1 }] });
    expect(reply).toMatchObject({ codeName: 'NotImplemented' });
  });

  it('a client with a password', async () => {
    const uri = database.uri.replace('//', '//user:secret@');
    const authenticated = new MongoClient(uri, { serverSelectionTimeoutMS: 1000 });
    await expect(authenticated.db('db').command({ ping: 1 })).rejects.toThrow(/not implemented/);
    await authenticated.close();
  });
});
