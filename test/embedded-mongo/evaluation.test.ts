import { describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';

import { runPipeline } from '../../src/embedded-mongo/aggregate.js';
import { documentKeys } from '../../src/embedded-mongo/document-keys.js';
import { MongoServerFault } from '../../src/embedded-mongo/errors.js';
import { compileFilter, indexableConditions } from '../../src/embedded-mongo/match.js';
import { compileProjection } from '../../src/embedded-mongo/projection.js';
import { compileSort, sortDocuments } from '../../src/embedded-mongo/sort.js';
import { applyUpdate, isReplacement, upsertSeed } from '../../src/embedded-mongo/update.js';
import {
  type Document,
  cloneValue,
  compareValues,
  identicalValues,
  typeName,
  valuesEqual,
} from '../../src/embedded-mongo/values.js';

const { Binary, Decimal128, Double, Int32, Long, ObjectId, Timestamp } = BSON;

const int = (value: number) => new Int32(value);
const double = (value: number) => new Double(value);
const long = (value: string) => Long.fromString(value);
const decimal = (value: string) => Decimal128.fromString(value);

/** As the server decodes it; the numbers of a literal become Int32 and Double as the driver encodes them. */
function wire(doc: Document): Document {
  return BSON.deserialize(BSON.serialize(doc), {
    promoteValues: false,
    promoteLongs: false,
    bsonRegExp: true,
  });
}

function codeOf(run: () => unknown): number | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof MongoServerFault) return error.code;
    throw error;
  }
}

describe('values', () => {
  test('types come in the order of MongoDB', () => {
    const ascending = [
      new BSON.MinKey(),
      undefined,
      null,
      double(NaN),
      double(-Infinity),
      int(-1),
      double(0.5),
      long('1'),
      decimal('1.5'),
      double(Infinity),
      '',
      'a',
      {},
      { a: int(1) },
      [],
      [null],
      new Binary(Buffer.from([9])),
      new Binary(Buffer.from([0, 0])),
      new ObjectId('000000000000000000000001'),
      false,
      true,
      new Date(-1),
      new Date(0),
      new Timestamp({ t: 1, i: 1 }),
      new BSON.BSONRegExp('a', ''),
      new BSON.MaxKey(),
    ];
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) {
        expect({ i, j, sign: Math.sign(compareValues(a, b)) }).toEqual({ i, j, sign: Math.sign(i - j) });
      }
    }
  });

  test.each([
    [int(1), double(1), true],
    [long('9007199254740993'), double(9007199254740992), false],
    [decimal('2.5'), double(2.5), true],
    [decimal('0.1'), double(0.1), false],
    [decimal('1E+2'), int(100), true],
    [double(NaN), decimal('NaN'), true],
    [double(0), double(-0), true],
    [{ a: int(1), b: int(2) }, { b: int(2), a: int(1) }, false],
    [new Binary(Buffer.from('x'), 0), new Binary(Buffer.from('x'), 4), false],
  ])('equality %#: %s and %s', (a, b, equal) => {
    expect(valuesEqual(a, b)).toBe(equal);
    expect(valuesEqual(b, a)).toBe(equal);
  });

  test('strings are ordered by code point, not by UTF-16 unit', () => {
    expect(compareValues('\u{1F600}', '\uFFFD')).toBeGreaterThan(0);
    expect(compareValues('ab', 'abc')).toBeLessThan(0);
  });

  test('an equal number of another type is not identical, nor is the other zero', () => {
    expect(identicalValues(int(1), double(1))).toBe(false);
    expect(identicalValues(double(0), double(-0))).toBe(false);
    expect(identicalValues({ a: [int(1)] }, { a: [int(1)] })).toBe(true);
    expect(identicalValues({ a: int(1), b: null }, { b: null, a: int(1) })).toBe(false);
  });

  test('a stored field may bear the name of a BSON class marker', () => {
    expect(typeName({ _bsontype: 'ObjectId' })).toBe('object');
  });

  test('a copy shares no document or array with its original', () => {
    const original = { a: [{ b: int(1) }] };
    const copy = cloneValue(original);
    expect(copy).toEqual(original);
    expect(copy.a[0]).not.toBe(original.a[0]);
  });
});

describe('a field called __proto__', () => {
  const hostile = () => JSON.parse('{"_id": 1, "__proto__": {"admin": true}}') as Document;

  test('is a field like any other', () => {
    expect(Object.keys(cloneValue(hostile()))).toEqual(['_id', '__proto__']);
    expect(compileFilter({ admin: true })(hostile())).toBe(false);
    expect(compileFilter({ '__proto__.admin': true })(hostile())).toBe(true);
    const projected = compileProjection({ ['__proto__']: int(1) })(hostile());
    expect(Object.keys(projected)).toEqual(['_id', '__proto__']);
  });

  test('reaches no prototype through an update', () => {
    const context = { now: new Date(0), inserting: false };
    const after = applyUpdate({ _id: 1 }, { $set: { '__proto__.polluted': true } }, context);
    expect(Object.keys(after)).toEqual(['_id', '__proto__']);
    expect(({} as Document).polluted).toBeUndefined();
    expect(compileFilter({ constructor: { $exists: true } })({ _id: 1 })).toBe(false);
  });
});

describe(compileFilter.name, () => {
  const doc = wire({
    _id: 1,
    n: 5,
    s: 'x',
    t: [1, 9],
    arr: [{ k: 1 }, { k: 2 }],
    z: null,
    o: { a: 1, b: 2 },
  });

  test.each<[Document, boolean]>([
    [{ n: double(5) }, true],
    [{ n: '5' }, false],
    [{ missing: null, z: null }, true],
    [{ z: { $exists: true }, missing: { $exists: false } }, true],
    [{ n: { $gt: 'a' } }, false],
    [{ t: { $gt: int(5), $lt: int(2) } }, true],
    [{ t: [int(1), int(9)] }, true],
    [{ t: [int(9), int(1)] }, false],
    [{ 't.1': int(9) }, true],
    [{ 't.k': null }, false],
    [{ 'arr.k': int(2) }, true],
    [{ 'arr.k': { $ne: int(2) } }, false],
    [{ 'arr.0.k': int(1) }, true],
    [{ 't.length': int(2) }, false],
    [{ o: { b: int(2), a: int(1) } }, false],
    [{ n: { $in: [int(4), long('5')] } }, true],
    [{ n: { $nin: [int(5)] } }, false],
    [{ missing: { $in: [null] } }, true],
    [{ missing: { $gte: null } }, true],
    [{ n: { $not: { $gt: int(5) } } }, true],
    [{ $or: [{ n: int(1) }, { s: 'x' }] }, true],
    [{ $nor: [{ n: int(1) }, { s: 'x' }] }, false],
    [{ $and: [{ n: int(5) }, {}], $comment: 'why' }, true],
    [{ n: { $lt: double(NaN) } }, false],
  ])('%j', (filter, matches) => {
    expect(compileFilter(filter)(doc)).toBe(matches);
  });

  test.each<[Document, number]>([
    [{ n: { $foo: 1 } }, 2],
    [{ $foo: 1 }, 2],
    [{ $or: [] }, 2],
    [{ $and: [1] }, 2],
    [{ n: { $in: 1 } }, 2],
    [{ n: { $in: [{ $gt: 1 }] } }, 2],
    [{ n: { $not: 1 } }, 2],
    [{ n: { $gt: 1, b: 1 } }, 2],
    [{ n: undefined }, 2],
    [{ s: new BSON.BSONRegExp('x') }, 238],
    [{ s: { $in: [new BSON.BSONRegExp('x')] } }, 238],
    [{ t: { $elemMatch: { $gt: 1 } } }, 238],
    [{ t: { $size: 2 } }, 238],
    [{ $expr: {} }, 238],
    [{ $where: 'true' }, 238],
    [{ n: { $gt: new BSON.MinKey() } }, 238],
  ])('%j is error %i, even before there is a document', (filter, code) => {
    expect(codeOf(() => compileFilter(filter))).toBe(code);
  });
});

describe(indexableConditions.name, () => {
  test('gives what every match must meet', () => {
    const conditions = indexableConditions({
      a: 1,
      b: { $gt: 1, $lte: 5, $ne: 3 },
      $and: [{ c: { $in: [1, 2] } }, { d: { $in: ['only'] } }],
      $or: [{ e: 1 }, { f: 1 }],
      g: null,
      h: { $gte: null },
      i: [1],
    });
    expect(Object.fromEntries(conditions)).toEqual({
      a: { eq: 1 },
      b: { gt: 1, lte: 5 },
      c: { in: [1, 2] },
      d: { eq: 'only' },
      g: { eq: null },
    });
  });
});

describe(applyUpdate.name, () => {
  const context = { now: new Date(1234), inserting: false };

  test.each<[string, Document, Document, Document]>([
    ['$inc keeps int', { a: int(1) }, { $inc: { a: int(2) } }, { a: int(3) }],
    ['$inc widens int to long', { a: int(2147483647) }, { $inc: { a: int(1) } }, { a: long('2147483648') }],
    [
      '$inc of a long is exact',
      { a: long('9007199254740993') },
      { $inc: { a: int(1) } },
      { a: long('9007199254740994') },
    ],
    ['$inc with a double', { a: int(1) }, { $inc: { a: double(0.5) } }, { a: double(1.5) }],
    ['$inc creates', {}, { $inc: { 'a.b': int(2) } }, { a: { b: int(2) } }],
    ['$max across types', { a: int(9) }, { $max: { a: 'x' } }, { a: 'x' }],
    ['$min of what is missing', {}, { $min: { a: int(1) } }, { a: int(1) }],
    ['$set pads an array', { a: [int(1)] }, { $set: { 'a.2': int(3) } }, { a: [int(1), null, int(3)] }],
    [
      '$unset in an array leaves null',
      { a: [int(1), int(2)] },
      { $unset: { 'a.0': '' } },
      { a: [null, int(2)] },
    ],
    [
      '$push $each $slice',
      { a: [int(1)] },
      { $push: { a: { $each: [int(2), int(3)], $slice: int(-2) } } },
      { a: [int(2), int(3)] },
    ],
    [
      '$addToSet compares by value',
      { a: [int(1)] },
      { $addToSet: { a: { $each: [double(1), int(2)] } } },
      { a: [int(1), int(2)] },
    ],
    ['$pull by operator', { a: [int(1), int(5)] }, { $pull: { a: { $gte: int(2) } } }, { a: [int(1)] }],
    [
      '$pull of documents by filter',
      { a: [{ k: int(1), v: int(2) }, int(1)] },
      { $pull: { a: { k: int(1) } } },
      { a: [int(1)] },
    ],
    ['$currentDate', {}, { $currentDate: { a: true } }, { a: new Date(1234) }],
    [
      'new fields in the order of their names',
      {},
      { $set: { z: 1, b: 2 }, $inc: { m: 3 } },
      { b: 2, m: 3, z: 1 },
    ],
    ['a replacement keeps _id', { a: 1 }, { b: 2 }, { b: 2 }],
  ])('%s', (_name, before, update, after) => {
    const original = { _id: 1, ...before };
    const untouched = cloneValue(original);
    const result = applyUpdate(original, update, context);
    expect(identicalValues(result, { _id: 1, ...after })).toBe(true);
    expect(identicalValues(original, untouched)).toBe(true);
  });

  test.each<[Document]>([
    [{ $set: { a: int(1) } }],
    [{ $inc: { a: int(0) } }],
    [{ $max: { a: double(1) } }],
    [{ $unset: { q: '', 'a.b': '' } }],
    [{ $setOnInsert: { q: 1, 'a.b': 1 } }],
    [{ $addToSet: { t: int(1) } }],
    [{ $pull: { t: int(7), q: 1 } }],
    [{ _id: 1, a: int(1), t: [int(1)] }],
  ])('%j changes nothing and gives back the same object', (update) => {
    const doc = { _id: 1, a: int(1), t: [int(1)] };
    expect(applyUpdate(doc, update, context)).toBe(doc);
  });

  test.each<[Document, number]>([
    [{ $set: { _id: 2 } }, 66],
    [{ $unset: { _id: '' } }, 66],
    [{ _id: 2 }, 66],
    [{ $set: { a: 1 }, $inc: { a: 1 } }, 40],
    [{ $set: { a: 1, 'a.b': 1 } }, 40],
    [{ $set: { 'a.b': 1 } }, 28],
    [{ $set: { 't.b': 1 } }, 28],
    [{ $pull: { 'a.b': 1 } }, 28],
    [{ $set: { 't.1600000': 1 } }, 34],
    [{ $inc: { a: 'x' } }, 14],
    [{ $inc: { s: 1 } }, 14],
    [{ $inc: { big: int(1) } }, 2],
    [{ $push: { a: 1 } }, 2],
    [{ $push: { t: { $each: 1 } } }, 2],
    [{ $addToSet: { a: 1 } }, 2],
    [{ $foo: { a: 1 } }, 9],
    [{ $set: { a: 1 }, b: 1 }, 9],
    [{ $set: 5 }, 9],
    [{ $set: { '': 1 } }, 56],
    [{ $set: { 'a.': 1 } }, 56],
    [{ $set: { $a: 1 } }, 52],
    [{ $set: { a: { $b: 1 } } }, 52],
    [{ a: 1, $set: { b: 1 } }, 52],
    [{ $set: { 't.$': 1 } }, 238],
    [{ $set: { 't.$[]': 1 } }, 238],
    [{ $rename: { a: 'b' } }, 238],
    [{ $mul: { a: 2 } }, 238],
    [{ $push: { t: { $each: [], $position: 0 } } }, 238],
    [{ $currentDate: { b: { $type: 'timestamp' } } }, 238],
  ])('%j is error %i and leaves the document as it was', (update, code) => {
    const doc = { _id: 1, a: int(1), s: 'x', t: [int(1)], big: long('9223372036854775807') };
    const untouched = cloneValue(doc);
    // A good operator that comes first must leave no trace either.
    const whole = isReplacement(update) ? update : { ...update, $min: { Z: 0 } };
    expect(codeOf(() => applyUpdate(doc, whole, context))).toBe(code);
    expect(identicalValues(doc, untouched)).toBe(true);
  });

  test('an upsert starts from the equalities of its filter, _id first', () => {
    const filter = {
      b: { $gt: 5 },
      'c.d': 2,
      a: { $eq: 1 },
      $and: [{ _id: 7 }],
      e: { $in: [3] },
      f: { $in: [1, 2] },
    };
    const inserted = applyUpdate(
      upsertSeed(filter),
      { $setOnInsert: { z: 1 } },
      { ...context, inserting: true },
    );
    expect(identicalValues(inserted, { _id: 7, a: 1, c: { d: 2 }, e: 3, z: 1 })).toBe(true);
    expect(upsertSeed(filter, { onlyId: true })).toEqual({ _id: 7 });
    expect(codeOf(() => upsertSeed({ a: 1, 'a.b': 2 }))).toBe(54);
    expect(codeOf(() => upsertSeed({ a: 1, $and: [{ a: 2 }] }))).toBe(54);
  });
});

describe('sorting', () => {
  const order = (docs: Document[], spec: Document) => sortDocuments(docs, spec).map((doc) => Number(doc._id));

  test('an array sorts by its least element, descending by its greatest; empty before null', () => {
    const docs = [
      { _id: 1, a: [int(5), int(1)] },
      { _id: 2, a: int(3) },
      { _id: 3, a: [] },
      { _id: 4, a: null },
    ];
    expect(order(docs, { a: 1 })).toEqual([3, 4, 1, 2]);
    expect(order(docs, { a: -1 })).toEqual([1, 2, 4, 3]);
    expect([...docs].sort(compileSort({ a: -1 })).map((doc) => doc._id)).toEqual([1, 2, 4, 3]);
  });

  test.each<[Document, number]>([
    [{ a: 2 }, 15975],
    [{ a: 'asc' }, 15974],
    [{ '': 1 }, 40352],
    [{ $natural: 1 }, 238],
    [{ a: { $meta: 'textScore' } }, 238],
    [{ a: 1, b: 1 }, 2],
  ])('%j is error %i', (spec, code) => {
    expect(codeOf(() => sortDocuments([{ a: [1], b: [2] }], spec))).toBe(code);
  });

  test('a key is taken for each element of one array', () => {
    const doc = { a: [{ b: 1, c: 2 }, { b: 3 }, 4], d: 5 };
    expect(documentKeys(doc, [['a', 'b'], ['d'], ['a', 'c']])).toEqual([
      [1, 5, 2],
      [3, 5, null],
      [null, 5, null],
    ]);
    expect(codeOf(() => documentKeys({ a: [1], b: [1] }, [['a'], ['b']]))).toBe(171);
  });
});

describe(runPipeline.name, () => {
  const docs = [
    { _id: int(1), k: 'a', n: int(1) },
    { _id: int(2), k: 'b', n: int(2147483647) },
    { _id: int(3), k: 'b', n: long('1') },
    { _id: int(4), n: double(0.5) },
    { _id: int(5), k: null, n: 'x' },
  ];

  test('$group sums in the widest type it meets and takes missing for null', () => {
    const group = {
      _id: '$k',
      n: { $sum: '$n' },
      count: { $sum: int(1) },
      max: { $max: '$n' },
      first: { $first: '$_id' },
    };
    const groups = runPipeline(docs, [{ $group: group }, { $sort: { _id: int(1) } }]);
    const expected = [
      { _id: null, n: double(0.5), count: int(2), max: 'x', first: int(4) },
      { _id: 'a', n: int(1), count: int(1), max: int(1), first: int(1) },
      { _id: 'b', n: long('2147483648'), count: int(2), max: int(2147483647), first: int(2) },
    ];
    expect(identicalValues(groups, expected)).toBe(true);
  });

  test('a sum of doubles carries its rounding error', () => {
    const tenths = Array.from({ length: 10 }, () => ({ n: double(0.1) }));
    const [total] = runPipeline(tenths, [{ $group: { _id: null, n: { $sum: '$n' } } }]);
    expect(Number(total?.n)).toBe(1);
  });

  test('the stages follow each other', () => {
    const stages = [
      { $match: { n: { $gt: int(0) } } },
      { $sort: { _id: int(-1) } },
      { $skip: int(1) },
      { $limit: int(2) },
    ];
    expect(runPipeline(docs, [...stages, { $project: { _id: int(1) } }])).toEqual([
      { _id: int(3) },
      { _id: int(2) },
    ]);
    expect(runPipeline(docs, [...stages, { $count: 'total' }])).toEqual([{ total: int(2) }]);
    expect(runPipeline([], [{ $count: 'total' }])).toEqual([]);
  });

  test.each<[unknown, number]>([
    [{ $foo: {} }, 40324],
    [{ $match: {}, $limit: 1 }, 40323],
    [1, 14],
    [{ $limit: 0 }, 15958],
    [{ $skip: -1 }, 15956],
    [{ $group: { c: { $sum: 1 } } }, 15955],
    [{ $group: { _id: 1, c: { $foo: 1 } } }, 15952],
    [{ $sort: {} }, 15976],
    [{ $project: { a: 1, b: 0 } }, 31254],
    [{ $project: { a: '$b' } }, 238],
    [{ $group: { _id: { $month: '$d' } } }, 238],
    [{ $group: { _id: 1, c: { $push: '$n' } } }, 238],
    [{ $lookup: {} }, 238],
  ])('%j is error %i', (stage, code) => {
    expect(codeOf(() => runPipeline([], [stage]))).toBe(code);
  });
});
