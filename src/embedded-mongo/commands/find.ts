import { badValue, notImplemented } from '../errors.js';
import { compileFilter } from '../match.js';
import { compileFindProjection } from '../projection.js';
import { findRecords } from '../query-plan.js';
import { RecordCursor } from '../result-cursor.js';
import { type Document, compareValues, isNumber } from '../values.js';
import { ZERO_CURSOR, booleanOption, countOption, namespaceOf, optionalDocument } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { checkHint } from './hint.js';

export const DEFAULT_FIRST_BATCH = 101;

export const findCommand: Command = {
  names: ['find'],
  options: [
    ...['filter', 'sort', 'projection', 'hint', 'skip', 'limit', 'batchSize', 'singleBatch'],
    ...['allowDiskUse', 'allowPartialResults', 'noCursorTimeout', 'oplogReplay'],
  ],
  refused: [
    'min',
    'max',
    'returnKey',
    'showRecordId',
    'tailable',
    'awaitData',
    'collation',
    'let',
    'ntoreturn',
  ],
  run: find,
};

function find(context: CommandContext): Document {
  const { command, server } = context;
  const namespace = namespaceOf(context);
  const filter = optionalDocument(command, 'filter') ?? {};
  const sort = optionalDocument(command, 'sort');
  if (sort && Object.hasOwn(sort, '$natural')) throw notImplemented('Sorting by $natural');
  const limit = findLimit(command);
  const batchSize = countOption(command, 'batchSize') ?? DEFAULT_FIRST_BATCH;
  const matches = compileFilter(filter);
  const project = compileFindProjection(optionalDocument(command, 'projection') ?? {});
  const collection = server.store.find(namespace);
  checkHint(collection, command.hint, filter);
  const skip = countOption(command, 'skip');
  const records = findRecords(collection, { filter, sort, skip, limit });
  const cursor = new RecordCursor(
    records,
    (doc) => (matches(doc) ? project(doc) : undefined),
    limit > 0 && records.length >= limit,
    () => collection !== undefined && server.store.find(namespace) !== collection,
  );
  const { docs, exhausted } = cursor.next(batchSize);
  const closes = exhausted || booleanOption(command, 'singleBatch') || !collection;
  const id = closes ? ZERO_CURSOR : server.cursors.add(namespace, cursor);
  return { cursor: { firstBatch: docs, id, ns: namespace } };
}

function findLimit(command: Document): number {
  if (isNumber(command.limit) && compareValues(command.limit, 0) < 0) {
    throw badValue('Limit value must be non-negative');
  }
  return countOption(command, 'limit') ?? 0;
}
