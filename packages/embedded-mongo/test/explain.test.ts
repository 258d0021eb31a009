import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type BSON, MongoClient } from 'mongodb';
import { type EmbeddedMongo, startEmbeddedMongo } from '../src/index.js';

const DOCUMENTS = 100;

let database: EmbeddedMongo;
let client: MongoClient;

const explain = (command: BSON.Document, verbosity = 'executionStats') =>
  client.db('db').command({ explain: command, verbosity });

beforeAll(async () => {
  database = await startEmbeddedMongo({ ttlMonitorIntervalMs: 3_600_000 });
  client = await MongoClient.connect(database.uri);
  const rows = Array.from({ length: DOCUMENTS }, (_, n) => ({ _id: n as never, group: n % 10, other: n }));
  const collection = client.db('db').collection('c');
  await collection.createIndex({ group: 1, _id: -1 });
  await collection.insertMany(rows);
});
afterAll(async () => {
  await client.close();
  await database.close();
});

describe('explain', () => {
  const by = (indexName: string) => ({ stage: 'FETCH', inputStage: { stage: 'IXSCAN', indexName } });
  const SCAN = { stage: 'COLLSCAN' };

  it.each([
    ['a find by id', { find: 'c', filter: { _id: 7 } }, 1, 1, by('_id_')],
    ['a find by an index', { find: 'c', filter: { group: 3 } }, 10, 10, by('group_1__id_-1')],
    ['its limit', { find: 'c', filter: { group: 3 }, limit: 4 }, 4, 4, by('group_1__id_-1')],
    [
      'an order of the index',
      { find: 'c', filter: { group: 3 }, sort: { _id: -1 }, limit: 4 },
      4,
      4,
      by('group_1__id_-1'),
    ],
    [
      'another order',
      { find: 'c', filter: { group: 3 }, sort: { other: 1 }, limit: 4 },
      10,
      4,
      by('group_1__id_-1'),
    ],
    ['a find without an index', { find: 'c', filter: { other: 3 } }, DOCUMENTS, 1, SCAN],
    [
      'a find of one that is last',
      { find: 'c', filter: { other: DOCUMENTS - 1 }, limit: 1 },
      DOCUMENTS,
      1,
      SCAN,
    ],
    [
      'an aggregation',
      { aggregate: 'c', pipeline: [{ $match: { group: 3 } }, { $limit: 2 }, { $count: 'n' }] },
      2,
      2,
      by('group_1__id_-1'),
    ],
    ['a collection that is not there', { find: 'none', filter: { a: 1 } }, 0, 0, SCAN],
  ])('counts the documents of %s', async (_, command, totalDocsExamined, nReturned, winningPlan) => {
    expect(await explain(command)).toMatchObject({
      queryPlanner: { winningPlan },
      executionStats: { nReturned, totalDocsExamined },
    });
  });

  it.each([
    [
      'an update',
      { update: 'c', updates: [{ q: { group: 3 }, u: { $set: { other: 0 } }, multi: true }] },
      10,
    ],
    ['an update of one', { update: 'c', updates: [{ q: { other: 50 }, u: { $set: { other: 0 } } }] }, 51],
    ['a delete', { delete: 'c', deletes: [{ q: { group: 3 }, limit: 0 }] }, 10],
    ['a findAndModify', { findAndModify: 'c', query: { _id: 3 }, update: { $set: { other: 0 } } }, 1],
  ])('counts the documents of %s, and changes none', async (_, command, totalDocsExamined) => {
    const collection = client.db('db').collection('c');
    const before = await collection.find().toArray();
    expect(await explain(command)).toMatchObject({ executionStats: { totalDocsExamined } });
    expect(await collection.find().toArray()).toEqual(before);
  });

  it.each([
    ['another verbosity', { find: 'c' }, 'allPlansExecution'],
    ['no verbosity', { find: 'c' }, undefined],
    ['another command', { insert: 'c', documents: [{ a: 1 }] }, 'executionStats'],
    ['an option of the command', { find: 'c', hint: 'group_1__id_-1' }, 'executionStats'],
    ['an operator', { find: 'c', filter: { a: { $regex: 'x' } } }, 'executionStats'],
    [
      'several statements',
      { delete: 'c', deletes: [1, 2].map((_id) => ({ q: { _id }, limit: 1 })) },
      'executionStats',
    ],
    ['a change stream', { aggregate: 'c', pipeline: [{ $changeStream: {} }], cursor: {} }, 'executionStats'],
  ])('refuses %s', async (_, command, verbosity) => {
    await expect(
      client.db('db').command({ explain: command, ...(verbosity && { verbosity }) }),
    ).rejects.toMatchObject({ code: 238 });
  });
});
