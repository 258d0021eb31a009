import { compilePipeline } from '../aggregate.js';
import { openChangeStream } from '../change-stream.js';
import { failedToParse, notImplemented, typeMismatch } from '../errors.js';
import { wholeNumber } from '../numbers.js';
import { findRecords } from '../query-plan.js';
import { DocumentCursor } from '../result-cursor.js';
import { type Document, isDocument } from '../values.js';
import { ZERO_CURSOR, countOption, namespaceOf, optionalDocument } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { DEFAULT_FIRST_BATCH } from './find.js';
import { checkHint } from './hint.js';

export const aggregateCommand: Command = {
  names: ['aggregate'],
  options: ['pipeline', 'cursor', 'allowDiskUse', 'hint'],
  refused: ['explain', 'collation', 'let', 'bypassDocumentValidation'],
  run: aggregate,
};

function aggregate(context: CommandContext): Document {
  const { command, server } = context;
  if (typeof command.aggregate !== 'string') throw notImplemented('Aggregation without a collection');
  const namespace = namespaceOf(context);
  const { pipeline } = command as Record<string, unknown>;
  if (!Array.isArray(pipeline)) throw typeMismatch("'pipeline' option must be specified as an array");
  const cursorOptions = optionalDocument(command, 'cursor');
  if (!cursorOptions)
    throw failedToParse("The 'cursor' option is required, except for aggregate with explain");
  const batchSize = countOption(cursorOptions, 'batchSize') ?? DEFAULT_FIRST_BATCH;
  if (isDocument(pipeline[0]) && Object.hasOwn(pipeline[0], '$changeStream')) {
    return openChangeStream(server, namespace, pipeline as Document[], batchSize);
  }
  const cursor = new DocumentCursor(runOverCollection(context, namespace, pipeline));
  const { docs, exhausted } = cursor.next(batchSize);
  const collection = server.store.find(namespace);
  const id = exhausted || !collection ? ZERO_CURSOR : server.cursors.add(namespace, cursor);
  return { cursor: { firstBatch: docs, id, ns: namespace } };
}

/** A leading `$match` finds its documents through an index, no more than a `$limit` behind it lets pass; all stages are checked before. */
function runOverCollection(
  { server, command }: CommandContext,
  namespace: string,
  pipeline: unknown[],
): Document[] {
  const run = compilePipeline(pipeline);
  const [first, second] = pipeline;
  const matched: unknown = isDocument(first) ? first.$match : undefined;
  const filter = isDocument(matched) ? matched : {};
  const collection = server.store.find(namespace);
  checkHint(collection, command.hint, filter);
  const limit = isDocument(matched) && isDocument(second) ? wholeNumber(second.$limit) : undefined;
  return run(findRecords(collection, { filter, limit }).map(({ doc }) => doc));
}
