import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { BSON } from 'mongodb';
import { indexableConditions, type PathConditions } from '../src/engine/conditions.js';
import { MongoServerFault } from '../src/engine/errors.js';
import { keyOf } from '../src/engine/index-keys.js';
import { compileFilter } from '../src/engine/match.js';
import { compileProjection } from '../src/engine/projection.js';
import { parseSort, sortDocuments } from '../src/engine/sort.js';
import { compileUpdate } from '../src/engine/update.js';
import { upsertSeed } from '../src/engine/upsert-seed.js';
import { compareValues, valuesEqual } from '../src/engine/values.js';

type Document = BSON.Document;

const NOT_IMPLEMENTED = 238;

function golden(name: string): Document {
  const url = new URL(`./fixtures/mongo-golden/${name}.json`, import.meta.url);
  return BSON.EJSON.parse(readFileSync(url, 'utf8'), { relaxed: false }) as Document;
}

/** Encoded and decoded, so that the values have the classes that a server sees. */
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

/** Every case must give the recorded answer or be refused; `wrong` holds the cases that are neither. */
function judge(cases: Document[], run: (entry: Document) => Outcome, recorded: (e: Document) => unknown) {
  const share = { answered: 0, refused: 0 };
  const wrong: string[] = [];
  for (const entry of cases) {
    const outcome = run(entry);
    if ('code' in outcome && outcome.code === NOT_IMPLEMENTED) {
      share.refused += 1;
      continue;
    }
    share.answered += 1;
    const expected = entry.code === undefined ? { value: recorded(entry) } : { code: Number(entry.code) };
    if (text(outcome) !== text(expected)) wrong.push(`${text(entry)}\n  gave ${text(outcome)}`);
  }
  return { ...share, wrong };
}

describe('random cases recorded from a real MongoDB', () => {
  const documents = (golden('fuzz-find').documents as Document[]).map(decoded);

  it('a filter selects the same documents or is refused', () => {
    const { cases } = golden('fuzz-find');
    const run = (entry: Document) =>
      outcomeOf(() => documents.filter(compileFilter(decoded(entry.filter))).map((doc) => doc._id));
    const result = judge(cases, run, (entry) => entry.ids);
    expect(result).toEqual({ answered: 1301, refused: 1699, wrong: [] });
  });

  it('a document that matches has an index key that meets the conditions given to the planner', () => {
    const missed: string[] = [];
    let held = 0;
    for (const entry of golden('fuzz-find').cases as Document[]) {
      const filter = decoded(entry.filter);
      if ('code' in outcomeOf(() => compileFilter(filter))) continue;
      const matching = documents.filter(compileFilter(filter));
      const pairs = [...indexableConditions(filter)].flatMap((each) =>
        matching.map((doc) => [...each, doc] as const),
      );
      for (const [path, conditions, doc] of pairs) {
        const outcome = outcomeOf(() => keyOf(doc, [path.split('.')]));
        // No index holds a document with an array on its path.
        if ('code' in outcome) continue;
        if (meetsAll(outcome.value as unknown[], conditions)) held += 1;
        else missed.push(`${text(filter)} misses ${text(doc)}`);
      }
    }
    expect(missed).toEqual([]);
    expect(held).toBeGreaterThan(1000);
  });

  it('a sort with skip and limit gives the same order or is refused', () => {
    const { cases } = golden('fuzz-sort');
    const run = (entry: Document) =>
      outcomeOf(() => {
        const found = documents.filter(compileFilter(decoded(entry.filter)));
        const [skip, limit] = [Number(entry.skip), Number(entry.limit)];
        const sorted = sortDocuments(found, parseSort(decoded(entry.sort))).slice(skip);
        return (limit === 0 ? sorted : sorted.slice(0, limit)).map((doc) => doc._id);
      });
    const result = judge(cases, run, (entry) => entry.ids);
    expect(result).toEqual({ answered: 53, refused: 247, wrong: [] });
  });

  it('a projection gives the same fields or is refused', () => {
    const { cases } = golden('fuzz-projection');
    const run = (entry: Document) =>
      outcomeOf(() => {
        const doc = documents.find((candidate) => valuesEqual(candidate._id, entry.id));
        return compileProjection(decoded(entry.projection))(doc ?? {});
      });
    const result = judge(cases, run, (entry) => entry.doc);
    expect(result).toEqual({ answered: 300, refused: 0, wrong: [] });
  });

  it('an update leaves the same document, and the same report of changes, or is refused', () => {
    const { cases } = golden('fuzz-update');
    const result = judge(cases, (entry) => outcomeOf(() => updated(entry)), recordedUpdate);
    expect(result).toEqual({ answered: 1049, refused: 1451, wrong: [] });
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

/** Like the update command, with at most one document in the collection. */
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
  const seed = upsertSeed(filter);
  const after = apply(seed, { now: new Date(0), inserting: true });
  if (before && valuesEqual(before._id, after._id)) throw new MongoServerFault(11000, 'duplicate key');
  return { n: 1, nModified: 0, after };
}

function recordedUpdate(entry: Document): unknown {
  return { n: Number(entry.n), nModified: Number(entry.nModified), after: entry.after };
}
