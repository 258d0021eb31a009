import { failedToParse, MongoServerFault, notImplemented } from '../engine/errors.js';
import { wholeNumber } from '../engine/numbers.js';
import { findRecords } from '../engine/query-plan.js';
import { type Document, isDocument } from '../engine/values.js';
import { batchOf, booleanOption, missingField, writableNamespaceOf } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { checkStatementOptions } from './options.js';
import { runStatements } from './write-batch.js';

export const deleteCommand: Command = {
  names: ['delete'],
  options: ['deletes', 'ordered'],
  retryable: true,
  run: remove,
};

function remove(context: CommandContext): Document {
  const { command, server } = context;
  const statements = batchOf(command, 'deletes');
  const namespace = writableNamespaceOf(context);
  statements.forEach(checkStatement);
  if (command.txnNumber !== undefined && statements.some(({ limit }) => wholeNumber(limit) === 0)) {
    throw notImplemented('A retryable delete of many documents');
  }
  let n = 0;
  const errors = runStatements(statements, booleanOption(command, 'ordered', true), (statement) => {
    const collection = server.store.find(namespace);
    const filter = statement.q as Document;
    const records = findRecords(collection, { filter, limit: wholeNumber(statement.limit) });
    if (!collection) return;
    for (const record of records) server.store.remove(collection, record);
    n += records.length;
  });
  return { n, ...errors };
}

function checkStatement(statement: Document): void {
  checkStatementOptions(statement, ['q', 'limit']);
  if (statement.q === undefined) throw missingField('delete.deletes.q');
  if (statement.limit === undefined) throw missingField('delete.deletes.limit');
  if (!isDocument(statement.q)) throw new MongoServerFault(14, 'The query of a delete must be an object');
  const limit = wholeNumber(statement.limit);
  if (limit !== 0 && limit !== 1) {
    throw failedToParse(`The limit field in delete objects must be 0 or 1. Got ${String(statement.limit)}`);
  }
}
