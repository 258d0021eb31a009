import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BSON } from 'mongodb';
import { type EmbeddedMongo, startEmbeddedMongo } from '../src/index.js';
import { RawClient } from './support/raw-client.js';

type Document = BSON.Document;

const { Binary, Double, Long, ObjectId } = BSON;

/** Few values of many types: some equal under another type, some adjacent in order, and arrays of them. */
const number = fc.constantFrom<unknown>(0, 1, 2, 3, new Double(1.5), Long.fromNumber(2));
// prettier-ignore
const anyScalar = fc.constantFrom<unknown>(
  null, true, false, 0, 1, 2, new Double(1.5), new Double(2), Long.fromNumber(2), NaN, '', 'a', 'b',
  new Date(0), new Date(5), new ObjectId('0'.repeat(24)), new Binary(Buffer.from([1])),
);
const scalar = fc.oneof(number, anyScalar);
const item = fc.record({ c: scalar, e: scalar }, { requiredKeys: [] });
const value = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 3, arbitrary: item },
  { weight: 1, arbitrary: fc.array(item, { maxLength: 3 }) },
);
const body = fc.record({ a: value, b: value, d: scalar }, { requiredKeys: [] });
const plain = fc.oneof({ weight: 3, arbitrary: scalar }, { weight: 1, arbitrary: item });
/** Without arrays: an index refuses them, and an update that stops half-way makes the twins differ. */
const change = fc.record({ a: plain, b: plain, d: scalar }, { requiredKeys: [] });

// prettier-ignore
const key = fc.constantFrom<Document>(
  { a: 1 }, { a: -1 }, { b: 1 }, { 'a.c': 1 }, { d: 1 }, { d: -1 }, { 'a.c': 1, 'a.e': 1 },
    { a: 1, d: 1 },
    { d: 1, a: -1 },
    { d: -1, b: 1 },
    { b: 1, 'a.c': -1 },
    { d: 1, 'a.c': 1 },
    { a: 1, _id: 1 },
    { a: -1, _id: 1 },
    { d: 1, _id: 1 },
    { d: 1, b: 1, _id: -1 },
    { 'a.c': 1, _id: 1 },
);
const index = fc.record({
  key,
  kind: fc.constantFrom<Document>(
    {},
    {},
    {},
    { partialFilterExpression: { d: { $gte: 1 } } },
    { partialFilterExpression: { d: { $exists: true } } },
    { partialFilterExpression: { a: 'a' } },
  ),
});

const path = fc.constantFrom('a', 'a', 'b', 'd', 'a.c', 'a.e');
const condition = fc.oneof(
  scalar,
  fc
    .record({ op: fc.constantFrom('$gt', '$gte', '$lt', '$lte', '$eq', '$ne'), operand: scalar })
    .map(({ op, operand }) => ({ [op]: operand })),
  fc.tuple(number, number).map(([low, high]) => ({ $gte: low, $lt: high })),
  fc.array(scalar, { maxLength: 3 }).map((items) => ({ $in: items })),
  fc.boolean().map((there) => ({ $exists: there })),
);
const flat = fc.dictionary(path, condition, { maxKeys: 3 });
/** An empty filter would delete everything. */
const narrow = fc.dictionary(path, condition, { minKeys: 2, maxKeys: 3 });
const filter = fc.oneof(
  { weight: 4, arbitrary: flat },
  { weight: 1, arbitrary: fc.tuple(flat, flat).map(([alone, other]) => ({ ...other, $or: [alone] })) },
  { weight: 1, arbitrary: fc.tuple(flat, flat).map((branches) => ({ $or: branches })) },
);
const sort = fc.option(
  fc
    .tuple(fc.constantFrom('a', 'b', 'd', 'a.c', 'a.e'), fc.constantFrom(1, -1), fc.constantFrom(1, -1))
    .map(([by, way, last]) => ({ [by]: way, _id: last })),
  { nil: undefined },
);

const write = fc.oneof(
  { weight: 6, arbitrary: body.map((doc) => ({ kind: 'insert' as const, doc })) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('update' as const), filter: flat, set: change }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), filter: narrow }) },
);

let database: EmbeddedMongo;
let client: RawClient;

beforeAll(async () => {
  database = await startEmbeddedMongo();
  client = await RawClient.connect(database.port);
});

afterAll(async () => {
  client.close();
  await database.close();
});

const text = (reply: unknown) => BSON.EJSON.stringify(reply, { relaxed: false });

/** Sends the same command to both. An error of one must be an error of the other. */
async function toBoth(command: (collection: string) => Document): Promise<Document[]> {
  return [await client.command('twins', command('indexed')), await client.command('twins', command('plain'))];
}

function writeCommand(step: { kind: string; doc?: Document; filter?: Document; set?: Document }, id: number) {
  return (name: string): Document => {
    if (step.kind === 'insert') return { insert: name, documents: [{ _id: id, ...step.doc }] };
    if (step.kind === 'delete') return { delete: name, deletes: [{ q: step.filter, limit: 0 }] };
    const set = Object.keys(step.set ?? {}).length > 0 ? { $set: step.set } : { $set: { e: 1 } };
    return { update: name, updates: [{ q: step.filter, u: set, multi: true }] };
  };
}

async function found(name: string, query: Document, order: Document | undefined): Promise<string> {
  const reply = await client.command('twins', {
    find: name,
    filter: query,
    batchSize: 1000,
    ...(order ? { sort: order } : {}),
  });
  if (!reply.cursor) return `error ${Number(reply.code)}`;
  const docs = (reply.cursor as Document).firstBatch as Document[];
  // Without a sort any order is right.
  return text(order ? docs : docs.sort((a, b) => Number(a._id) - Number(b._id)));
}

describe('an indexed collection and its unindexed twin', () => {
  it('hold the same documents and give the same results', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(index, { minLength: 1, maxLength: 3 }),
        fc.array(write, { minLength: 10, maxLength: 30 }),
        fc.array(fc.record({ filter, sort }), { minLength: 5, maxLength: 10 }),
        async (indexes, writes, queries) => {
          await client.command('twins', { dropDatabase: 1 });
          for (const [i, { key, kind }] of indexes.entries()) {
            await client.command('twins', {
              createIndexes: 'indexed',
              indexes: [{ key, ...kind, name: `i${i}` }],
            });
          }
          for (const [id, step] of writes.entries()) {
            const command = writeCommand(step, id);
            const reply = await client.command('twins', command('indexed'));
            // An index refuses arrays: a document that it refused is not inserted into the twin either.
            const isRefused = reply.writeErrors !== undefined || reply.errmsg !== undefined;
            if (isRefused && step.kind !== 'insert') return;
            if (!isRefused) await client.command('twins', command('plain'));
          }
          for (const query of queries) {
            const given = await found('indexed', query.filter, query.sort);
            expect(given).toBe(await found('plain', query.filter, query.sort));
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('an array is refused by an index, and leaves no trace of itself', async () => {
    await client.command('twins', { dropDatabase: 1 });
    const indexes = [{ key: { 'a.c': 1 }, name: 'c' }];
    await client.command('twins', { createIndexes: 'indexed', indexes });
    for (const a of [[{ c: 1 }], { c: [1] }]) {
      const reply = await client.command('twins', { insert: 'indexed', documents: [{ _id: 1, a }] });
      expect(reply.writeErrors).toMatchObject([{ code: new BSON.Int32(238) }]);
    }
    await client.command('twins', { insert: 'plain', documents: [{ _id: 1, a: [{ c: 1 }] }] });
    const refused = await client.command('twins', { createIndexes: 'plain', indexes });
    expect(refused).toMatchObject({ code: new BSON.Int32(238) });
    expect(await found('indexed', {}, undefined)).toBe('[]');
  });

  it('a unique index accepts exactly the values without an equal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(scalar, { minLength: 2, maxLength: 20 }), async (values) => {
        await client.command('twins', { dropDatabase: 1 });
        await client.command('twins', {
          createIndexes: 'unique',
          indexes: [{ key: { v: 1 }, name: 'v', unique: true }],
        });
        for (const [id, v] of values.entries()) {
          const equals = await found('unique', { v }, undefined);
          const reply = await client.command('twins', { insert: 'unique', documents: [{ _id: id, v }] });
          expect(Number(reply.n)).toBe(equals === '[]' ? 1 : 0);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('stay consistent over many more documents than fit in one chunk', async () => {
    await client.command('twins', { dropDatabase: 1 });
    await client.command('twins', { createIndexes: 'indexed', indexes: [{ key: { d: -1 }, name: 'd' }] });
    const documents = Array.from({ length: 3000 }, (_, i) => ({ _id: i, d: (i * 7919) % 1009 }));
    await toBoth((name) => ({ insert: name, documents }));
    await toBoth((name) => ({ delete: name, deletes: [{ q: { d: { $gte: 200, $lt: 700 } }, limit: 0 }] }));
    await toBoth((name) => ({
      update: name,
      updates: [{ q: { d: { $lt: 100 } }, u: { $inc: { d: 500 } }, multi: true }],
    }));
    for (const order of [{ d: 1, _id: 1 }, { d: -1 }, { d: 1 }]) {
      const [indexed, plain] = await toBoth((name) => ({
        find: name,
        filter: { d: { $gt: 150 } },
        sort: order,
        batchSize: 5000,
      }));
      const values = (reply?: Document) =>
        ((reply?.cursor as Document).firstBatch as Document[]).map(({ d }) => Number(d));
      expect(values(indexed)).toEqual(values(plain));
      expect(values(indexed).length).toBeGreaterThan(1000);
    }
  });
});
