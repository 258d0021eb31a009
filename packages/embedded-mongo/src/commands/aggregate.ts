import { compilePipeline } from '../engine/aggregate.js';
import { openChangeStream } from '../engine/change-stream.js';
import { failedToParse, notImplemented, typeMismatch } from '../engine/errors.js';
import { wholeNumber } from '../engine/numbers.js';
import { findRecords, type Query } from '../engine/query-plan.js';
import { openCursor } from '../engine/result-cursor.js';
import { type Document, isDocument } from '../engine/values.js';
import { batchSizeOf, DEFAULT_FIRST_BATCH, namespaceOf, optionalDocument } from './arguments.js';
import type { Command, CommandContext } from './command.js';

export const aggregateCommand: Command = {
  names: ['aggregate'],
  options: ['pipeline', 'cursor'],
  run: aggregate,
};

function aggregate(context: CommandContext): Document {
  const { command, server } = context;
  if (typeof command.aggregate !== 'string') throw notImplemented('Aggregation without a collection');
  const namespace = namespaceOf(context);
  const { pipeline } = command as Record<string, unknown>;
  if (!Array.isArray(pipeline)) throw typeMismatch("'pipeline' option must be specified as an array");
  if (!optionalDocument(command, 'cursor'))
    throw failedToParse("The 'cursor' option is required, except for aggregate with explain");
  const batchSize = batchSizeOf(command) ?? DEFAULT_FIRST_BATCH;
  if (isDocument(pipeline[0]) && Object.hasOwn(pipeline[0], '$changeStream')) {
    return openChangeStream(server, namespace, pipeline as Document[], batchSize);
  }
  return openCursor(server.cursors, namespace, runOverCollection(context, namespace, pipeline), batchSize);
}

function runOverCollection({ server }: CommandContext, namespace: string, pipeline: unknown[]): Document[] {
  // Checks all stages before the first document is read.
  const run = compilePipeline(pipeline);
  return run(findRecords(server.store.find(namespace), leadingQuery(pipeline)).map(({ doc }) => doc));
}

/** A leading `$match` reads by an index, and no further than a `$limit` right behind it. */
export function leadingQuery([first, second]: unknown[]): Query {
  const matched: unknown = isDocument(first) ? first.$match : undefined;
  const filter = isDocument(matched) ? matched : {};
  const limit = isDocument(matched) && isDocument(second) ? wholeNumber(second.$limit) : undefined;
  return limit === undefined ? { filter } : { filter, limit };
}
