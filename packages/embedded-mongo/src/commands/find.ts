import { badValue } from '../engine/errors.js';
import { compileFilter } from '../engine/match.js';
import { compileProjection } from '../engine/projection.js';
import { findRecords } from '../engine/query-plan.js';
import { RecordCursor } from '../engine/result-cursor.js';
import { compareValues, type Document, isNumber } from '../engine/values.js';
import {
  booleanOption,
  countOption,
  DEFAULT_FIRST_BATCH,
  namespaceOf,
  optionalDocument,
  ZERO_CURSOR,
} from './arguments.js';
import type { Command, CommandContext } from './command.js';

export const findCommand: Command = {
  names: ['find'],
  options: ['filter', 'sort', 'projection', 'limit', 'batchSize', 'singleBatch'],
  run: find,
};

function find(context: CommandContext): Document {
  const { command, server } = context;
  const namespace = namespaceOf(context);
  const filter = optionalDocument(command, 'filter') ?? {};
  const sort = optionalDocument(command, 'sort');
  const limit = findLimit(command);
  const batchSize = countOption(command, 'batchSize') ?? DEFAULT_FIRST_BATCH;
  const matches = compileFilter(filter);
  const project = compileProjection(optionalDocument(command, 'projection') ?? {});
  const collection = server.store.find(namespace);
  const records = findRecords(collection, { filter, sort, limit });
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
