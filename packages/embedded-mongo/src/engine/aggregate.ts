import { MongoServerFault, notImplemented, typeMismatch } from './errors.js';
import { compileGroup } from './group.js';
import { compileFilter } from './match.js';
import { toIntOrLong, wholeNumber } from './numbers.js';
import { parseSort, sortDocuments } from './sort.js';
import { type Document, isDocument, isNumber } from './values.js';

type Stage = (docs: Document[]) => Document[];

const STAGES = new Map<string, (spec: unknown) => Stage>([
  ['$match', compileMatch],
  ['$group', compileGroup],
  ['$sort', compileSortStage],
  ['$limit', compileLimit],
  ['$count', compileCount],
]);

/** Checks all stages before the first document is read. */
export function compilePipeline(stages: unknown[]): Stage {
  const compiled = stages.map(compileStage);
  return (docs) => compiled.reduce((current, stage) => stage(current), docs);
}

function compileStage(stage: unknown): Stage {
  if (!isDocument(stage)) throw typeMismatch("Each element of the 'pipeline' array must be an object");
  const [name, ...others] = Object.keys(stage);
  if (name === undefined || others.length > 0) {
    throw new MongoServerFault(
      40323,
      'A pipeline stage specification object must contain exactly one field.',
    );
  }
  const compile = STAGES.get(name);
  if (!compile) throw notImplemented(`The aggregation stage ${name}`);
  return compile(stage[name]);
}

function compileMatch(spec: unknown): Stage {
  if (!isDocument(spec)) {
    throw new MongoServerFault(15959, 'the match filter must be an expression in an object');
  }
  const matches = compileFilter(spec);
  return (docs) => docs.filter((doc) => matches(doc));
}

function compileSortStage(spec: unknown): Stage {
  if (!isDocument(spec)) {
    throw new MongoServerFault(15973, 'the $sort key specification must be an object');
  }
  if (Object.keys(spec).length === 0) {
    throw new MongoServerFault(15976, '$sort stage must have at least one sort key');
  }
  const pattern = parseSort(spec);
  return (docs) => sortDocuments(docs, pattern);
}

function compileLimit(spec: unknown): Stage {
  if (!isNumber(spec)) throw new MongoServerFault(15957, 'the limit must be specified as a number');
  const count = wholeNumber(spec);
  // Some versions truncate a fraction, some refuse it.
  if (count === undefined) throw notImplemented('$limit by a number that is not whole');
  if (count <= 0) throw new MongoServerFault(15958, 'the limit must be positive');
  return (docs) => docs.slice(0, count);
}

function compileCount(spec: unknown): Stage {
  if (typeof spec !== 'string') {
    throw new MongoServerFault(40156, 'the count field must be a non-empty string');
  }
  if (spec === '') throw new MongoServerFault(40157, 'the count field must be a non-empty string');
  if (spec.startsWith('$')) throw new MongoServerFault(40158, 'the count field cannot be a $-prefixed path');
  if (spec.includes('.')) throw new MongoServerFault(40160, "the count field cannot contain '.'");
  if (spec === '__proto__') throw notImplemented('A count named __proto__');
  return (docs) => (docs.length === 0 ? [] : [{ [spec]: toIntOrLong(BigInt(docs.length)) }]);
}
