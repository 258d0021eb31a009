import { describe, expect, it } from '@jest/globals';
import { BSON } from 'mongodb';
import { compilePipeline } from '../src/engine/aggregate.js';
import { indexableConditions } from '../src/engine/conditions.js';
import { MongoServerFault } from '../src/engine/errors.js';
import { compileFilter } from '../src/engine/match.js';
import { compileProjection } from '../src/engine/projection.js';
import { parseSort, sortDocuments } from '../src/engine/sort.js';
import { compileUpdate } from '../src/engine/update.js';
import { upsertSeed } from '../src/engine/upsert-seed.js';
import {
  cloneValue,
  compareValues,
  type Document,
  identicalValues,
  typeName,
  valuesEqual,
} from '../src/engine/values.js';

const { Binary, Decimal128, Double, Int32, Long, ObjectId, Timestamp } = BSON;

const NOT_IMPLEMENTED = 238;

const int = (value: number) => new Int32(value);
const double = (value: number) => new Double(value);
const long = (value: string) => Long.fromString(value);
const decimal = (value: string) => Decimal128.fromString(value);

/** A document as the server decodes it; the numbers of a literal become Int32 and Double as the driver encodes them. */
function wire(doc: Document): Document {
  return BSON.deserialize(BSON.serialize(doc), {
    promoteValues: false,
    promoteLongs: false,
    bsonRegExp: true,
  });
}

const applied = (doc: Document, update: Document, context: { now: Date; inserting: boolean }) =>
  compileUpdate(update)(doc, context);

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
  it('types come in the order of MongoDB', () => {
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

  it.each([
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

  it('strings are ordered by code point, not by UTF-16 unit', () => {
    expect(compareValues('\u{1F600}', '\uFFFD')).toBeGreaterThan(0);
    expect(compareValues('ab', 'abc')).toBeLessThan(0);
  });

  it('an equal number of another type is not identical, nor is the other zero', () => {
    expect(identicalValues(int(1), double(1))).toBe(false);
    expect(identicalValues(double(0), double(-0))).toBe(false);
    expect(identicalValues({ a: [int(1)] }, { a: [int(1)] })).toBe(true);
    expect(identicalValues({ a: int(1), b: null }, { b: null, a: int(1) })).toBe(false);
  });

  it('a stored field may have the name of a BSON class marker', () => {
    expect(typeName({ _bsontype: 'ObjectId' })).toBe('object');
  });

  it('a copy shares no document or array with its original', () => {
    const original = { a: [{ b: int(1) }] };
    const copy = cloneValue(original);
    expect(copy).toEqual(original);
    expect(copy.a[0]).not.toBe(original.a[0]);
  });
});

describe('a field called __proto__', () => {
  const hostile = () => JSON.parse('{"_id": 1, "__proto__": {"admin": true}}') as Document;

  it('is a field like any other', () => {
    expect(Object.keys(cloneValue(hostile()))).toEqual(['_id', '__proto__']);
    expect(compileFilter({ admin: true })(hostile())).toBe(false);
    expect(compileFilter({ '__proto__.admin': true })(hostile())).toBe(true);
    const projected = compileProjection({ ['__proto__']: int(1) })(hostile());
    expect(Object.keys(projected)).toEqual(['_id', '__proto__']);
  });

  it('reaches no prototype through an update', () => {
    const context = { now: new Date(0), inserting: false };
    const after = applied({ _id: 1 }, { $set: { '__proto__.polluted': true } }, context);
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

  it.each<[Document, boolean]>([
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
    [{ missing: { $in: [null] } }, true],
    [{ missing: { $gte: null } }, true],
    [{ $or: [{ n: int(1) }, { s: 'x' }] }, true],
    [{ $or: [{ n: int(5) }], s: 'y' }, false],
    [{ n: { $lt: double(NaN) } }, false],
  ])('%j', (filter, matches) => {
    expect(compileFilter(filter)(doc)).toBe(matches);
  });

  it.each<[Document, number]>([
    [{ $or: [] }, 2],
    [{ $or: [1] }, 2],
    [{ n: { $in: 1 } }, 2],
    [{ n: { $in: [{ $gt: 1 }] } }, 2],
    [{ n: { $gt: 1, b: 1 } }, 238],
    [{ n: undefined }, 2],
    [{ s: new BSON.BSONRegExp('x') }, 238],
    [{ s: { $in: [new BSON.BSONRegExp('x')] } }, 238],
    [{ n: { $gt: new BSON.MinKey() } }, 238],
  ])('%j is error %i, even before there is a document', (filter, code) => {
    expect(codeOf(() => compileFilter(filter))).toBe(code);
  });

  // prettier-ignore
  it.each([
    '$all', '$bitsAllSet', '$elemMatch', '$foo', '$geoWithin', '$mod', '$nin', '$not', '$options', '$regex', '$size', '$type',
  ])('the operator %s is refused', (operator) => {
    expect(codeOf(() => compileFilter({ n: { [operator]: [1] } }))).toBe(NOT_IMPLEMENTED);
  });

  it.each(['$and', '$comment', '$expr', '$foo', '$jsonSchema', '$nor', '$text', '$where'])(
    'the operator %s is refused',
    (operator) => {
      expect(codeOf(() => compileFilter({ [operator]: [{ n: 1 }] }))).toBe(NOT_IMPLEMENTED);
    },
  );
});

describe(indexableConditions.name, () => {
  it('returns the conditions that every match must meet', () => {
    const conditions = indexableConditions({
      a: 1,
      b: { $gt: 1, $lte: 5, $ne: 3 },
      c: { $in: [1, 2] },
      $or: [{ d: { $in: ['only'] } }],
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

describe(compileUpdate.name, () => {
  const context = { now: new Date(1234), inserting: false };

  it.each<[string, Document, Document, Document]>([
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
    ['$max of a missing field', {}, { $max: { a: int(1) } }, { a: int(1) }],
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
      { $addToSet: { a: int(2) }, $max: { z: double(1) } },
      { a: [int(1), int(2)], z: double(1) },
    ],
    ['$currentDate', {}, { $currentDate: { a: true } }, { a: new Date(1234) }],
    [
      'new fields in the order of their names',
      {},
      { $set: { z: 1, b: 2 }, $inc: { m: 3 } },
      { b: 2, m: 3, z: 1 },
    ],
  ])('%s', (_name, before, update, after) => {
    const original = { _id: 1, ...before };
    const untouched = cloneValue(original);
    const result = applied(original, update, context);
    expect(identicalValues(result, { _id: 1, ...after })).toBe(true);
    expect(identicalValues(original, untouched)).toBe(true);
  });

  it.each<[Document]>([
    [{ $set: { a: int(1) } }],
    [{ $inc: { a: int(0) } }],
    [{ $max: { a: double(1) } }],
    [{ $unset: { q: '', 'a.b': '' } }],
    [{ $setOnInsert: { q: 1, 'a.b': 1 } }],
    [{ $addToSet: { t: int(1) } }],
    [{ $addToSet: { t: double(1) } }],
  ])('%j changes nothing and returns the same object', (update) => {
    const doc = { _id: 1, a: int(1), t: [int(1)] };
    expect(applied(doc, update, context)).toBe(doc);
  });

  it.each<[Document, number]>([
    [{ $set: { _id: 2 } }, 66],
    [{ $unset: { _id: '' } }, 66],
    [{ $set: { a: 1 }, $inc: { a: 1 } }, 40],
    [{ $set: { a: 1, 'a.b': 1 } }, 40],
    [{ $set: { 'a.b': 1 } }, 28],
    [{ $set: { 't.b': 1 } }, 28],
    [{ $set: { 't.1600000': 1 } }, 34],
    [{ $inc: { a: 'x' } }, 14],
    [{ $inc: { s: 1 } }, 14],
    [{ $inc: { big: int(1) } }, 2],
    [{ $push: { a: 1 } }, 2],
    [{ $push: { t: { $each: 1 } } }, 2],
    [{ $addToSet: { a: 1 } }, 2],
    [{ $set: 5 }, 9],
    [{ $set: { '': 1 } }, 56],
    [{ $set: { 'a.': 1 } }, 56],
    [{ $set: { $a: 1 } }, 52],
    [{ $set: { a: { $b: 1 } } }, 52],
    [{ $set: { 't.$': 1 } }, 238],
    [{ $set: { 't.$[]': 1 } }, 238],
    [{ $set: { a: 1 }, b: 1 }, 238],
    [{ $addToSet: { t: { $each: [1] } } }, 238],
    [{ $push: { t: { $each: [], $sort: 1 } } }, 238],
    [{ $currentDate: { b: { $type: 'date' } } }, 238],
    [{ $push: { t: { $each: [], $position: 0 } } }, 238],
    [{ $currentDate: { b: { $type: 'timestamp' } } }, 238],
  ])('%j is error %i and leaves the document as it was', (update, code) => {
    const doc = { _id: 1, a: int(1), s: 'x', t: [int(1)], big: long('9223372036854775807') };
    const untouched = cloneValue(doc);
    // A valid operator that comes first must change nothing either.
    const whole = { ...update, $max: { Z: 0 } };
    expect(codeOf(() => applied(doc, whole, context))).toBe(code);
    expect(identicalValues(doc, untouched)).toBe(true);
  });

  // prettier-ignore
  it.each(['$bit', '$foo', '$min', '$mul', '$pop', '$pull', '$pullAll', '$rename'])(
    'the operator %s is refused',
    (operator) => {
      expect(codeOf(() => compileUpdate({ [operator]: { a: 1 } }))).toBe(NOT_IMPLEMENTED);
    },
  );

  it('a replacement and a pipeline are refused', () => {
    for (const update of [{ _id: 1 }, { a: 1 }, {}, [{ $set: { a: 1 } }]]) {
      expect(codeOf(() => compileUpdate(update))).toBe(NOT_IMPLEMENTED);
    }
  });

  it('an upsert starts from the equalities of its filter, _id first', () => {
    const filter = {
      b: { $gt: 5 },
      'c.d': 2,
      a: { $eq: 1 },
      $or: [{ _id: 7 }],
      e: { $in: [3] },
      f: { $in: [1, 2] },
    };
    const inserted = applied(upsertSeed(filter), { $setOnInsert: { z: 1 } }, { ...context, inserting: true });
    expect(identicalValues(inserted, { _id: 7, a: 1, c: { d: 2 }, e: 3, z: 1 })).toBe(true);
    expect(codeOf(() => upsertSeed({ a: 1, 'a.b': 2 }))).toBe(54);
    expect(codeOf(() => upsertSeed({ a: 1, $or: [{ a: 2 }] }))).toBe(54);
  });
});

describe('sorting', () => {
  const order = (docs: Document[], spec: Document) =>
    sortDocuments(docs, parseSort(spec)).map((doc) => Number(doc._id));

  it('compares one path after the other, treats a missing value as null, and is stable', () => {
    const docs = [
      { _id: 1, a: int(3), b: { c: 'x' } },
      { _id: 2, a: double(3), b: { c: 'y' } },
      { _id: 3, b: { c: 'y' } },
      { _id: 4, a: null, b: 5 },
      { _id: 5, a: null },
    ];
    expect(order(docs, { a: 1, 'b.c': -1 })).toEqual([3, 4, 5, 2, 1]);
    expect(order(docs, { a: -1 })).toEqual([1, 2, 3, 4, 5]);
  });

  it('by an array is refused, at the end of a path and on the way', () => {
    for (const doc of [{ a: [1] }, { a: [] }, { a: { b: [1] } }, { a: [{ b: 1 }] }]) {
      expect(codeOf(() => order([doc], { 'a.b': 1, a: 1 }))).toBe(NOT_IMPLEMENTED);
    }
  });

  it.each<[Document, number]>([
    [{ a: 2 }, 15975],
    [{ a: 'asc' }, 15974],
    [{ '': 1 }, 40352],
    [{ $natural: 1 }, 238],
    [{ a: { $meta: 'textScore' } }, 238],
  ])('%j is error %i', (spec, code) => {
    expect(codeOf(() => parseSort(spec))).toBe(code);
  });
});

describe(compilePipeline.name, () => {
  const docs = [
    { _id: int(1), k: 'a', n: int(1) },
    { _id: int(2), k: 'b', n: int(2147483647) },
    { _id: int(3), k: 'b', n: long('1') },
    { _id: int(4), n: double(0.5) },
    { _id: int(5), k: null, n: 'x' },
  ];

  it('$group counts and sums integers, in the widest type it meets, and treats a missing value as null', () => {
    const integers = docs.filter(({ n }) => !(n instanceof Double));
    const group = { _id: '$k', n: { $sum: '$n' }, count: { $sum: int(1) } };
    const groups = compilePipeline([{ $group: group }, { $sort: { _id: int(1) } }])(integers);
    const expected = [
      { _id: null, n: int(0), count: int(1) },
      { _id: 'a', n: int(1), count: int(1) },
      { _id: 'b', n: long('2147483648'), count: int(2) },
    ];
    expect(identicalValues(groups, expected)).toBe(true);
    const [all] = compilePipeline([{ $group: { _id: int(1), n: { $sum: int(1) } } }])(docs);
    expect(identicalValues(all, { _id: int(1), n: int(5) })).toBe(true);
  });

  it('$group by a path within a document', () => {
    const nested = [{ o: { k: 'x' } }, { o: { k: 'x' } }, { o: 1 }];
    const groups = compilePipeline([{ $group: { _id: '$o.k', n: { $sum: int(1) } } }])(nested);
    expect(
      identicalValues(groups, [
        { _id: 'x', n: int(2) },
        { _id: null, n: int(1) },
      ]),
    ).toBe(true);
  });

  it.each<[string, Document, Document]>([
    ['a sum of doubles', { n: double(0.5) }, { _id: null, n: { $sum: '$n' } }],
    ['a sum beyond 64 bits', { n: long('9223372036854775807') }, { _id: null, n: { $sum: '$n' } }],
    ['a path through an array', { a: [{ b: 1 }] }, { _id: '$a.b' }],
  ])('%s is refused', (_, doc, group) => {
    expect(codeOf(() => compilePipeline([{ $group: group }])([doc, doc]))).toBe(NOT_IMPLEMENTED);
  });

  it('the stages follow each other', () => {
    const stages = [{ $match: { n: { $gt: int(0) } } }, { $sort: { _id: int(-1) } }, { $limit: int(3) }];
    expect(compilePipeline(stages)(docs).map(({ _id }) => Number(_id))).toEqual([4, 3, 2]);
    expect(compilePipeline([...stages, { $count: 'total' }])(docs)).toEqual([{ total: int(3) }]);
    expect(compilePipeline([{ $count: 'total' }])([])).toEqual([]);
  });

  it.each<[unknown, number]>([
    [{ $match: {}, $limit: 1 }, 40323],
    [1, 14],
    [{ $limit: 0 }, 15958],
    [{ $group: { c: { $sum: 1 } } }, 15955],
    [{ $sort: {} }, 15976],
    [{ $group: { _id: { $month: '$d' } } }, 238],
    [{ $group: { _id: { k: '$k' } } }, 238],
    [{ $group: { _id: '$$ROOT' } }, 238],
  ])('%j is error %i', (stage, code) => {
    expect(codeOf(() => compilePipeline([stage]))).toBe(code);
  });

  // prettier-ignore
  it.each([
    '$addFields', '$bucket', '$changeStream', '$facet', '$foo', '$lookup', '$merge', '$out', '$project', '$replaceRoot',
    '$set', '$skip', '$sortByCount', '$unionWith', '$unset', '$unwind',
  ])('the stage %s is refused', (stage) => {
    expect(codeOf(() => compilePipeline([{ [stage]: 1 }]))).toBe(NOT_IMPLEMENTED);
  });

  it.each(['$addToSet', '$avg', '$count', '$first', '$foo', '$last', '$max', '$min', '$push'])(
    'the accumulator %s is refused',
    (accumulator) => {
      expect(codeOf(() => compilePipeline([{ $group: { _id: 1, c: { [accumulator]: '$n' } } }]))).toBe(
        NOT_IMPLEMENTED,
      );
    },
  );
});
