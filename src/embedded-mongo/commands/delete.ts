import { MongoServerFault, failedToParse, notImplemented } from '../errors.js';
import { wholeNumber } from '../numbers.js';
import { findRecords } from '../query-plan.js';
import { type Document, isDocument } from '../values.js';
import { batchOf, booleanOption, missingField, unknownField, writableNamespaceOf } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { checkHint } from './hint.js';
import { refuseOptions } from './options.js';
import { runStatements } from './write-batch.js';

export const deleteCommand: Command = {
  names: ['delete'],
  options: ['deletes', 'ordered'],
  refused: ['let'],
  retryable: true,
  run: remove,
};

const STATEMENT_FIELDS = new Set(['q', 'limit', 'hint', 'collation']);

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
    const filter = statement.q as Document;
    const collection = server.store.find(namespace);
    checkHint(collection, statement.hint, filter);
    const records = findRecords(collection, { filter, limit: wholeNumber(statement.limit) });
    for (const record of records) server.store.remove(collection!, record);
    n += records.length;
  });
  return { n, ...errors };
}

function checkStatement(statement: Document): void {
  refuseOptions(statement, ['collation']);
  for (const name of Object.keys(statement)) {
    if (!STATEMENT_FIELDS.has(name)) throw unknownField(`delete.deletes.${name}`);
  }
  if (statement.q === undefined) throw missingField('delete.deletes.q');
  if (statement.limit === undefined) throw missingField('delete.deletes.limit');
  if (!isDocument(statement.q)) throw new MongoServerFault(14, 'The query of a delete must be an object');
  const limit = wholeNumber(statement.limit);
  if (limit !== 0 && limit !== 1) {
    throw failedToParse(`The limit field in delete objects must be 0 or 1. Got ${String(statement.limit)}`);
  }
}
