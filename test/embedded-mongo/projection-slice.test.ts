import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';

import { type EmbeddedMongo, startEmbeddedMongo } from '../../src/embedded-mongo/index.js';
import { RawClient } from './support/raw-client.js';

type Document = BSON.Document;

const NOT_IMPLEMENTED = 238;
const int = (value: number) => new BSON.Int32(value);
const ints = (...values: number[]) => values.map(int);

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

let collections = 0;

async function stored(doc: Document): Promise<string> {
  const name = `c${collections++}`;
  await client.command('slice', { insert: name, documents: [doc] });
  return name;
}

/** The document as find shows it, and as findAndModify does, which must be the same. */
async function shown(doc: Document, projection: Document): Promise<Document> {
  const name = await stored(doc);
  const found = await client.command('slice', { find: name, projection });
  const modified = await client.command('slice', {
    findAndModify: name,
    update: { $set: { touched: true } },
    fields: projection,
  });
  const [first] = (found.cursor as Document | undefined)?.firstBatch as Document[];
  expect(modified.value).toEqual(first);
  expect(Object.keys(modified.value as Document)).toEqual(Object.keys(first!));
  return first!;
}

async function codeOf(projection: Document): Promise<number> {
  const name = await stored({ _id: 1, l: [1, 2, 3], a: { b: [1, 2] } });
  const found = await client.command('slice', { find: name, projection });
  const modify = { findAndModify: name, remove: true, fields: projection };
  expect(await client.command('slice', modify)).toEqual(found);
  return Number(found.code ?? 0);
}

describe('the part of an array that a $slice shows', () => {
  test.each<[unknown, number[]]>([
    [2, [4, 6]],
    [0, []],
    [10, [4, 6, 8]],
    [-1, [8]],
    [-3, [4, 6, 8]],
    [-10, [4, 6, 8]],
    [
      [0, 2],
      [4, 6],
    ],
    [[1, 1], [6]],
    [[3, 5], []],
    [[10, 10], []],
    [[-1, 1], [8]],
    [
      [-3, 5],
      [4, 6, 8],
    ],
    [
      [-10, 2],
      [4, 6],
    ],
    [BSON.Long.fromNumber(2), [4, 6]],
    [1.4, [4]],
    [
      [-2.5, 2],
      [6, 8],
    ],
    [
      [1, 2.8],
      [6, 8],
    ],
    [NaN, []],
    [Infinity, [4, 6, 8]],
    [-Infinity, [4, 6, 8]],
    [BSON.Long.MAX_VALUE, [4, 6, 8]],
  ])('of %p', async (argument, expected) => {
    const doc = await shown({ _id: 1, l: [4, 6, 8], a: 1 }, { l: { $slice: argument } });
    expect(doc).toEqual({ _id: int(1), l: ints(...expected), a: int(1) });
  });
});

describe('a projection with a $slice', () => {
  const doc = { _id: 7, l: [1, 2, 3], a: 1, b: { l: [1, 2], c: 3 } };
  const b = { l: ints(1, 2), c: int(3) };

  test.each<[string, Document, Document]>([
    ['alone leaves nothing else out', { l: { $slice: 1 } }, { _id: int(7), l: ints(1), a: int(1), b }],
    [
      'and a field to keep keeps these two',
      { l: { $slice: 1 }, a: 1 },
      { _id: int(7), l: ints(1), a: int(1) },
    ],
    [
      'and a field to leave out leaves out that',
      { b: 0, l: { $slice: 1 } },
      { _id: int(7), l: ints(1), a: int(1) },
    ],
    ['and _id to keep keeps these two', { _id: 1, l: { $slice: 1 } }, { _id: int(7), l: ints(1) }],
    ['and _id to leave out leaves out that', { _id: 0, l: { $slice: 1 } }, { l: ints(1), a: int(1), b }],
    ['and fields to keep but _id', { _id: 0, a: 1, l: { $slice: 1 } }, { l: ints(1), a: int(1) }],
    ['within a document', { 'b.l': { $slice: -1 }, a: 1 }, { _id: int(7), a: int(1), b: { l: ints(2) } }],
    [
      'within a document, nested',
      { b: { l: { $slice: -1 }, c: 1 } },
      { _id: int(7), b: { l: ints(2), c: int(3) } },
    ],
    [
      'beside a field left out',
      { b: { l: { $slice: -1 }, c: 0 }, l: 0 },
      { _id: int(7), a: int(1), b: { l: ints(2) } },
    ],
    [
      'of two arrays',
      { l: { $slice: 1 }, 'b.l': { $slice: 1 }, a: 0 },
      { _id: int(7), l: ints(1), b: { l: ints(1), c: int(3) } },
    ],
    ['of what is no array', { a: { $slice: 1 }, _id: 1 }, { _id: int(7), a: int(1) }],
    ['of what is not there', { z: { $slice: 1 }, 'a.z': { $slice: 1 }, _id: 1 }, { _id: int(7) }],
  ])('%s', async (_, projection, expected) => {
    const found = await shown(doc, projection);
    expect(found).toEqual(expected);
    // In the order of the document, not of the projection.
    expect(Object.keys(found)).toEqual(Object.keys(expected));
  });

  test('goes through one array at each step of its path, not through arrays in arrays', async () => {
    const [full, part] = [{ b: ints(1, 2, 3) }, { b: ints(2) }];
    const items = [full, [full], { b: [ints(1), ints(2, 3)] }, int(1), null, {}];
    const cut = [part, [full], { b: [ints(2, 3)] }, int(1), null, {}];
    expect(await shown({ _id: 1, a: items }, { 'a.b': { $slice: [1, 1] } })).toEqual({ _id: int(1), a: cut });
    // What is kept is kept in arrays of arrays too; what is no document has no such field.
    const kept = await shown({ _id: 1, a: items, e: 1 }, { a: { b: { $slice: [1, 1] } }, e: 1 });
    expect(kept).toEqual({ _id: int(1), a: [part, [full], { b: [ints(2, 3)] }, {}], e: int(1) });
  });

  test('is taken by no stage of an aggregation', async () => {
    const pipeline = [{ $project: { l: { $slice: 1 } } }];
    const reply = await client.command('slice', { aggregate: 'c0', pipeline, cursor: {} });
    expect(reply.code).toEqual(int(NOT_IMPLEMENTED));
  });
});

describe('a $slice that find does not take fails as the operator of an aggregation', () => {
  test.each<[string, Document, number]>([
    ['a text', { l: { $slice: 'x' } }, 28667],
    ['null', { l: { $slice: null } }, 28667],
    ['a document', { l: { $slice: { a: 1 } } }, 28667],
    ['no argument', { l: { $slice: [] } }, 28667],
    ['one argument', { l: { $slice: [1] } }, 28667],
    ['four arguments', { l: { $slice: [1, 2, 3, 4] } }, 28667],
    ['none to show', { l: { $slice: [1, 0] } }, 28724],
    ['less than none to show', { l: { $slice: [3, -2] } }, 28724],
    ['a text to skip', { l: { $slice: ['x', 5] } }, 28724],
    ['a text to show', { l: { $slice: [2, 'x'] } }, 28724],
    ['three constants', { l: { $slice: ['x', 2, 3] } }, 28724],
    ['in an exclusion', { a: 0, l: { $slice: 'x' } }, 31252],
    ['before a field left out, as it keeps fields', { l: { $slice: [1, 0] }, a: 0 }, 31254],
    ['before a field kept', { l: { $slice: [1, 0] }, a: 1 }, 28724],
    ['with a path that is taken', { 'l.x': 1, l: { $slice: [1, 1] } }, 31250],
    ['with a path that is taken, by a number', { 'l.x': 1, l: { $slice: 1 } }, 28667],
    ['with a path that is taken, in an exclusion', { 'l.x': 0, l: { $slice: 1 } }, 31252],
    ['with a path in a field that is taken', { a: 1, 'a.b': { $slice: [1, 1] } }, 31249],
    ['whose field is named again', { a: { $slice: 1 }, 'a.b': 1 }, 31249],
    ['whose field is sliced again', { 'a.b': { $slice: 1 }, a: { $slice: [1, 1] } }, 31250],
    ['of a path in _id, which is not implemented', { '_id.x': { $slice: 1 } }, NOT_IMPLEMENTED],
    ['with an expression, which is not implemented', { l: { $slice: ['$l', 1] } }, NOT_IMPLEMENTED],
    ['with null, which would give null', { l: { $slice: [2, null] } }, NOT_IMPLEMENTED],
    ['with a Decimal128', { l: { $slice: BSON.Decimal128.fromString('1') } }, NOT_IMPLEMENTED],
    ['and something beside it', { l: { $slice: 1, $elemMatch: {} } }, NOT_IMPLEMENTED],
  ])('%s', async (_, projection, code) => {
    expect(await codeOf(projection)).toBe(code);
  });
});
