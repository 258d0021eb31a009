import { MongoServerFault, notImplemented } from '../engine/errors.js';
import { findRecords } from '../engine/query-plan.js';
import { type Document, isDocument } from '../engine/values.js';
import { batchOf, booleanOption, missingField, writableNamespaceOf } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { checkStatementOptions } from './options.js';
import { Updater } from './updating.js';
import { runStatements } from './write-batch.js';

export const updateCommand: Command = {
  names: ['update'],
  options: ['updates', 'ordered'],
  retryable: true,
  run: update,
};

interface Tally {
  n: number;
  nModified: number;
  upserted: Document[];
}

function update(context: CommandContext): Document {
  const { command } = context;
  const statements = batchOf(command, 'updates');
  const namespace = writableNamespaceOf(context);
  statements.forEach(checkStatement);
  if (command.txnNumber !== undefined && statements.some((statement) => booleanOption(statement, 'multi'))) {
    throw notImplemented('A retryable update of many documents');
  }
  const tally: Tally = { n: 0, nModified: 0, upserted: [] };
  const errors = runStatements(statements, booleanOption(command, 'ordered', true), (statement, index) =>
    runStatement(context, namespace, statement, index, tally),
  );
  const { n, nModified, upserted } = tally;
  return { n, ...(upserted.length > 0 ? { upserted } : {}), nModified, ...errors };
}

function checkStatement(statement: Document): void {
  checkStatementOptions(statement, ['q', 'u', 'multi', 'upsert']);
  if (statement.q === undefined) throw missingField('update.updates.q');
  if (statement.u === undefined) throw missingField('update.updates.u');
  if (!isDocument(statement.q)) throw new MongoServerFault(14, 'The query of an update must be an object');
}

function runStatement(
  context: CommandContext,
  namespace: string,
  statement: Document,
  index: number,
  tally: Tally,
): void {
  const filter = statement.q as Document;
  const updater = new Updater(context, statement.u);
  const collection = context.server.store.find(namespace);
  const records = findRecords(collection, { filter, limit: booleanOption(statement, 'multi') ? 0 : 1 });
  // A statement that fails half-way leaves the earlier documents changed, and is not counted.
  const modified = records.filter((record) => collection && updater.apply(collection, record));
  if (records.length === 0 && booleanOption(statement, 'upsert')) {
    const doc = updater.upsert(namespace, filter);
    tally.upserted.push({ index, _id: doc._id as unknown });
    tally.n += 1;
  }
  tally.n += records.length;
  tally.nModified += modified.length;
}
