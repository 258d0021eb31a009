import { readFileSync } from 'node:fs';

import { afterAll, describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';

import { documentKeys } from '../../src/embedded-mongo/document-keys.js';
import { MongoServerFault } from '../../src/embedded-mongo/errors.js';
import { type PathConditions, compileFilter, indexableConditions } from '../../src/embedded-mongo/match.js';
import { compileProjection } from '../../src/embedded-mongo/projection.js';
import { sortDocuments } from '../../src/embedded-mongo/sort.js';
import { compileUpdate, isReplacement, upsertSeed } from '../../src/embedded-mongo/update.js';
import { compareValues, valuesEqual } from '../../src/embedded-mongo/values.js';

type Document = BSON.Document;

const NOT_IMPLEMENTED = 238;
const shares: Record<string, { answered: number; refused: number }> = {};

function golden(name: string): Document {
  const url = new URL(`../fixtures/mongo-golden/${name}.json`, import.meta.url);
  return BSON.EJSON.parse(readFileSync(url, 'utf8'), { relaxed: false }) as Document;
}

/** Through the wire form, so that the values are of the classes a server decodes. */
function decoded(doc: Document): Document {
  const options = { promoteValues: false, promoteLongs: false, bsonRegExp: true };
  return BSON.deserialize(BSON.serialize(doc), options);
}

const text = (value: unknown) => BSON.EJSON.stringify(value, { relaxed: false });

type Outcome = { value: unknown } | { code: number };

function outcomeOf(run: () => unknown): Outcome {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof MongoServerFault) return { code: error.code };
    throw error;
  }
}

/** Every case must give the recorded answer or refuse; returns the cases that did neither. */
function judge(
  name: string,
  cases: Document[],
  run: (entry: Document) => Outcome,
  recorded: (e: Document) => unknown,
) {
  const share = (shares[name] = { answered: 0, refused: 0 });
  const wrong: string[] = [];
  for (const entry of cases) {
    const outcome = run(entry);
    if ('code' in outcome && outcome.code === NOT_IMPLEMENTED) {
      share.refused++;
      continue;
    }
    share.answered++;
    const expected = entry.code === undefined ? { value: recorded(entry) } : { code: Number(entry.code) };
    if (text(outcome) !== text(expected)) wrong.push(`${text(entry)}\n  gave ${text(outcome)}`);
  }
  return { ...share, wrong };
}

afterAll(() => {
  for (const [name, { answered, refused }] of Object.entries(shares)) {
    const percent = ((100 * answered) / (answered + refused)).toFixed(1);
    console.info(`${name}: ${answered} answered as recorded (${percent} %), ${refused} refused`);
  }
});

describe('random cases recorded from a real MongoDB', () => {
  const documents = (golden('fuzz-find').documents as Document[]).map(decoded);

  test('a filter selects the same documents or is refused', () => {
    const { cases } = golden('fuzz-find');
    const run = (entry: Document) =>
      outcomeOf(() => documents.filter(compileFilter(decoded(entry.filter))).map((doc) => doc._id));
    const result = judge('find', cases, run, (entry) => entry.ids);
    expect(result.wrong).toEqual([]);
    expect(result.answered).toBeGreaterThanOrEqual(1681);
  });

  test('a document that matches has an index key that meets the conditions given to the planner', () => {
    const missed: string[] = [];
    let held = 0;
    for (const entry of golden('fuzz-find').cases as Document[]) {
      const filter = decoded(entry.filter);
      if ('code' in outcomeOf(() => compileFilter(filter))) continue;
      const matching = documents.filter(compileFilter(filter));
      for (const [path, conditions] of indexableConditions(filter)) {
        for (const doc of matching) {
          const keys = documentKeys(doc, [path.split('.')]).flat();
          if (meetsAll(keys, conditions)) held++;
          else missed.push(`${text(filter)} misses ${text(doc)}`);
        }
      }
    }
    expect(missed).toEqual([]);
    expect(held).toBeGreaterThan(1000);
  });

  test('a sort with skip and limit gives the same order or is refused', () => {
    const { cases } = golden('fuzz-sort');
    const run = (entry: Document) =>
      outcomeOf(() => {
        const found = documents.filter(compileFilter(decoded(entry.filter)));
        const [skip, limit] = [Number(entry.skip), Number(entry.limit)];
        const sorted = sortDocuments(found, decoded(entry.sort)).slice(skip);
        return (limit === 0 ? sorted : sorted.slice(0, limit)).map((doc) => doc._id);
      });
    const result = judge('sort', cases, run, (entry) => entry.ids);
    expect(result.wrong).toEqual([]);
    expect(result.answered).toBeGreaterThanOrEqual(233);
  });

  test('a projection gives the same fields or is refused', () => {
    const { cases } = golden('fuzz-projection');
    const run = (entry: Document) =>
      outcomeOf(() => {
        const doc = documents.find((candidate) => valuesEqual(candidate._id, entry.id));
        return compileProjection(decoded(entry.projection))(doc!);
      });
    const result = judge('projection', cases, run, (entry) => entry.doc);
    expect(result.wrong).toEqual([]);
    expect(result.answered).toBeGreaterThanOrEqual(300);
  });

  test('an update leaves the same document, and tells whether it changed anything, or is refused', () => {
    const { cases } = golden('fuzz-update');
    const result = judge('update', cases, (entry) => outcomeOf(() => updated(entry)), recordedUpdate);
    expect(result.wrong).toEqual([]);
    expect(result.answered).toBeGreaterThanOrEqual(1351);
  });
});

function meetsAll(keys: unknown[], { eq, in: list, gt, gte, lt, lte }: PathConditions): boolean {
  const some = (operand: unknown, accepts: (order: number) => boolean) =>
    operand === undefined || keys.some((key) => accepts(compareValues(key, operand)));
  return (
    some(eq, (order) => order === 0) &&
    (list === undefined || list.length === 0 || list.some((item) => some(item, (order) => order === 0))) &&
    some(gt, (order) => order > 0) &&
    some(gte, (order) => order >= 0) &&
    some(lt, (order) => order < 0) &&
    some(lte, (order) => order <= 0)
  );
}

/** As the update command goes about it, with one document at most in the collection. */
function updated(entry: Document): unknown {
  const before = entry.before ? decoded(entry.before) : undefined;
  const filter = decoded(entry.q);
  const update = decoded(entry.u);
  const matches = compileFilter(filter);
  const apply = compileUpdate(update);
  if (before && matches(before)) {
    const after = apply(before, { now: new Date(0), inserting: false });
    return { n: 1, nModified: after === before ? 0 : 1, after };
  }
  if (!entry.upsert) return { n: 0, nModified: 0, after: before ?? null };
  const seed = upsertSeed(filter, { onlyId: isReplacement(update) });
  const after = apply(seed, { now: new Date(0), inserting: true });
  if (before && valuesEqual(before._id, after._id)) throw new MongoServerFault(11000, 'duplicate key');
  return { n: 1, nModified: 0, after };
}

function recordedUpdate(entry: Document): unknown {
  return { n: Number(entry.n), nModified: Number(entry.nModified), after: entry.after };
}
