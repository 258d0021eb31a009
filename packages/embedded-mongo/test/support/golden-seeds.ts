import { BSON } from 'mongodb';

type Document = BSON.Document;

const { Binary, Decimal128, Double, Long, MaxKey, MinKey, ObjectId, BSONRegExp, Timestamp } = BSON;

/**
 * The recordings hold commands and answers, but not all initial documents. Those are reconstructed here: any
 * documents that are consistent with every recorded answer will do.
 */
export const SEEDS: Record<string, Record<string, Document[]>> = {
  'find-match': {
    f: [
      { _id: 1, a: 1, s: 'abc', d: new Date('2020-01-01'), n: { x: 1, y: 2 }, t: ['a', 'b'], z: 1 },
      { _id: 2, a: 2, s: 'ABC', d: new Date('2021-01-01'), n: { y: 2, x: 1 }, t: ['c'] },
      { _id: 3, a: 2.5, s: '', n: { x: 1 }, t: [] },
      {
        _id: 4,
        a: Long.fromString('9007199254740993'),
        s: 'zoo',
        t: [['a']],
        arr: [
          { k: 1, v: 10 },
          { k: 2, v: 20 },
        ],
      },
      { _id: 5, a: Decimal128.fromString('2.5'), t: 'a', arr: [{ k: 1, v: 1 }, { v: 20 }] },
      { _id: 6, a: [1, 5, 9], arr: { k: 2, v: 5 } },
      { _id: 7, a: 'x', b: true },
      { _id: 8, a: null, b: false, o: new ObjectId('000000000000000000000008') },
      { _id: 9 },
      { _id: 10, a: NaN },
      { _id: 11, a: {} },
    ],
  },
  'find-sort-projection': {
    s: [
      { _id: 1, a: 'x' },
      { _id: 2, a: 3 },
      { _id: 3, a: null },
      { _id: 4 },
      { _id: 5, a: { b: 1 } },
      { _id: 6, a: new ObjectId('000000000000000000000001') },
      { _id: 7, a: true },
      { _id: 8, a: new Date(0) },
      { _id: 9, a: new Binary(Buffer.from([1])) },
      { _id: 10, a: new MinKey() },
      { _id: 11, a: new MaxKey() },
      { _id: 12, a: new Double(0.5) },
      { _id: 13, a: Long.fromNumber(10) },
      { _id: 14, a: [] },
      { _id: 15, a: [-1, 5] },
      { _id: 16, a: false },
      { _id: 17, a: new BSONRegExp('a', '') },
      { _id: 18, a: new Timestamp({ t: 1, i: 1 }) },
      { _id: 19, a: NaN },
      { _id: 20, a: 'X' },
      { _id: 21, a: '' },
    ],
    p: [
      {
        _id: 1,
        a: 1,
        b: { c: 1, d: { e: 2, f: 3 } },
        arr: [{ x: 1, y: 1 }, { x: 2, y: 2 }, 5, [{ x: 9 }]],
        l: [1, 2, 3, 4],
      },
    ],
  },
  aggregate: {
    a: [
      { _id: 1, k: 'a', n: 1, d: new Date('2024-01-01T10:00:00Z'), t: ['x', 'y'] },
      { _id: 2, k: 'a', n: 2, d: new Date('2024-01-31T23:30:00Z'), t: ['x'] },
      { _id: 3, k: 'b', n: 5, d: new Date('2024-02-29T12:00:00Z') },
      { _id: 4, n: null, k: null },
      { _id: 5, k: 'b', n: 2.5, t: [] },
    ],
  },
  'count-distinct': {
    c: [
      { _id: 1, a: 1 },
      { _id: 2, a: 2 },
      { _id: 3, a: 2 },
      { _id: 4, a: [1, 2] },
      { _id: 5, a: [2, [9]] },
      { _id: 6, a: null },
      { _id: 7, a: new ObjectId('000000000000000000000001') },
      { _id: 8, a: new Date('2020-01-01') },
      { _id: 9, s: { t: 'x' } },
      { _id: 10, s: [{ t: 'y' }, { t: 'z' }] },
    ],
  },
  cursors: { cu: Array.from({ length: 250 }, (_, i) => ({ _id: i })), other: [{ _id: 1 }] },
  insert: { io: [{ _id: 1 }] },
  'duplicate-key': {
    d1: [
      { _id: 1, e: 'a' },
      { _id: 2, e: 'b' },
    ],
    d2: [{ _id: 1, a: 1, b: 'x' }],
    d3: [
      { _id: 1, e: 'a' },
      { _id: 2, e: 'a', on: true },
    ],
    d4: [{ _id: 1 }],
    d5: [{ _id: 1, t: ['a', 'b'] }],
    d7: [
      { _id: 1, e: 1 },
      { _id: 2, e: 1 },
    ],
  },
  indexes: { pa: [] },
  sessions: { t: [{ _id: 1, n: 1 }] },
  ttl: { tt: [] },
};

const TWO: Document[] = [
  { _id: 1, k: 1 },
  { _id: 2, k: 2 },
];

/** Used if the recording does not say, or omits the types. */
const STEP_SEEDS: Record<string, Document[]> = {
  'delete: delete as OP_MSG document sequence': [{ _id: 4 }],
  'update: several statements with one error in the middle, ordered': [{ _id: 1 }, { _id: 2 }],
  'update: $inc int64 overflow': [{ _id: 1, a: Long.MAX_VALUE }],
  'findAndModify: findandmodify alias': [
    { _id: 1, a: 1, b: 'x' },
    { _id: 2, a: 5, b: 'y' },
  ],
};

/** The initial documents of a step, if the recording contains them or starts afresh for every step. */
export function stepSeed(file: string, step: Document): [string, Document[] | undefined] | undefined {
  const command = step.command as Document;
  const collection = String(Object.values(command)[0]);
  const known =
    STEP_SEEDS[`${file}: ${step.name}`] ?? (file === 'delete' && collection === 'x' ? TWO : undefined);
  if (known) return [collection, known];
  const [, note] = /^before: (.*)$/.exec(String(step.note ?? '')) ?? [];
  if (note !== undefined) return [collection, parseNote(note)];
  if (/^how a .* is printed/.test(String(step.name))) {
    const [{ v }] = command.documents as [Document];
    return ['d8', [{ _id: 'first', v: v as unknown }]];
  }
  return undefined;
}

/** Long notes are truncated; their initial documents are then unknown. */
function parseNote(note: string): Document[] | undefined {
  try {
    return BSON.EJSON.parse(note);
  } catch {
    return undefined;
  }
}

/** What happened between two recorded steps. */
export function beforeStep(file: string, step: Document): Document[] {
  if (file === 'cursors' && step.name === 'getMore after drop') return [{ drop: 'cu' }];
  if (file === 'cursors' && step.name === 'getMore after a delete') {
    return [{ delete: 'cu', deletes: [{ q: { _id: 3 }, limit: 1 }] }];
  }
  if (/^how a .* is printed/.test(String(step.name))) {
    return [{ createIndexes: 'd8', indexes: [{ key: { v: 1 }, name: 'v_1', unique: true }] }];
  }
  return [];
}
