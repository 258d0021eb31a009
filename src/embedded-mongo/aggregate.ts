import { MongoServerFault, notImplemented, typeMismatch } from './errors.js';
import { compileGroup } from './group.js';
import { compileFilter } from './match.js';
import { toIntOrLong, wholeNumber } from './numbers.js';
import { compileProjection } from './projection.js';
import { compileSort, sortDocuments } from './sort.js';
import { type Document, isDocument, isNumber } from './values.js';

type Stage = (docs: Document[]) => Document[];

const STAGES: Record<string, (spec: unknown) => Stage> = {
  $match: compileMatch,
  $group: compileGroup,
  $sort: compileSortStage,
  $skip: compileSkip,
  $limit: compileLimit,
  $project: compileProject,
  $count: compileCount,
};

/** MongoDB knows these and this server does not; every other name is an error of the caller. */
const REFUSED_STAGES = new Set([
  ...['$addFields', '$bucket', '$bucketAuto', '$changeStream', '$collStats', '$currentOp', '$densify'],
  ...['$documents', '$facet', '$fill', '$geoNear', '$graphLookup', '$indexStats', '$listLocalSessions'],
  ...['$listSessions', '$lookup', '$merge', '$out', '$planCacheStats', '$redact', '$replaceRoot'],
  ...['$replaceWith', '$sample', '$search', '$set', '$setWindowFields', '$sortByCount', '$unionWith'],
  ...['$unset', '$unwind', '$vectorSearch'],
]);

/** Runs a pipeline; all its stages are checked before the first one sees a document. */
export function runPipeline(docs: Document[], stages: unknown[]): Document[] {
  return compilePipeline(stages)(docs);
}

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
  const compile = Object.hasOwn(STAGES, name) ? STAGES[name] : undefined;
  if (compile) return compile(stage[name]);
  if (REFUSED_STAGES.has(name)) throw notImplemented(`The aggregation stage ${name}`);
  throw new MongoServerFault(40324, `Unrecognized pipeline stage name: '${name}'`);
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
  compileSort(spec);
  return (docs) => sortDocuments(docs, spec);
}

function compileSkip(spec: unknown): Stage {
  if (!isNumber(spec)) throw new MongoServerFault(15972, 'Argument to $skip must be a number');
  const count = stageCount('$skip', spec);
  if (count < 0) throw new MongoServerFault(15956, 'Argument to $skip cannot be negative');
  return (docs) => docs.slice(count);
}

function compileLimit(spec: unknown): Stage {
  if (!isNumber(spec)) throw new MongoServerFault(15957, 'the limit must be specified as a number');
  const count = stageCount('$limit', spec);
  if (count <= 0) throw new MongoServerFault(15958, 'the limit must be positive');
  return (docs) => docs.slice(0, count);
}

function stageCount(stage: string, spec: unknown): number {
  const count = wholeNumber(spec);
  // Versions differ on fractions: some truncate, some refuse.
  if (count === undefined) throw notImplemented(`${stage} by a number that is not whole`);
  return count;
}

function compileProject(spec: unknown): Stage {
  if (!isDocument(spec)) throw new MongoServerFault(15969, '$project specification must be an object');
  if (Object.keys(spec).length === 0) {
    throw new MongoServerFault(51272, 'Invalid $project: the specification must have at least one field');
  }
  const project = compileProjection(spec);
  return (docs) => docs.map(project);
}

function compileCount(spec: unknown): Stage {
  if (typeof spec !== 'string')
    throw new MongoServerFault(40156, 'the count field must be a non-empty string');
  if (spec === '') throw new MongoServerFault(40157, 'the count field must be a non-empty string');
  if (spec.startsWith('$')) throw new MongoServerFault(40158, 'the count field cannot be a $-prefixed path');
  if (spec.includes('.')) throw new MongoServerFault(40160, "the count field cannot contain '.'");
  if (spec === '__proto__') throw notImplemented('A count named __proto__');
  return (docs) => (docs.length === 0 ? [] : [{ [spec]: toIntOrLong(BigInt(docs.length)) }]);
}
