import { MongoServerFault, failedToParse, notImplemented } from '../errors.js';
import { findRecords } from '../query-plan.js';
import { type Document, isDocument } from '../values.js';
import { batchOf, booleanOption, missingField, unknownField, writableNamespaceOf } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { checkHint } from './hint.js';
import { refuseOptions } from './options.js';
import { Updater } from './updating.js';
import { runStatements } from './write-batch.js';

export const updateCommand: Command = {
  names: ['update'],
  options: ['updates', 'ordered'],
  refused: ['bypassDocumentValidation', 'let'],
  retryable: true,
  run: update,
};

const STATEMENT_FIELDS = new Set(['q', 'u', 'multi', 'upsert', 'hint']);
const REFUSED_FIELDS = ['collation', 'arrayFilters', 'c', 'upsertSupplied', 'sort'];

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
  refuseOptions(statement, REFUSED_FIELDS);
  for (const name of Object.keys(statement)) {
    if (!STATEMENT_FIELDS.has(name) && !REFUSED_FIELDS.includes(name)) {
      throw unknownField(`update.updates.${name}`);
    }
  }
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
  const multi = booleanOption(statement, 'multi');
  const updater = new Updater(context, statement.u);
  if (multi && updater.isReplacement) {
    throw failedToParse('multi update is not supported for replacement-style update');
  }
  const collection = context.server.store.find(namespace);
  checkHint(collection, statement.hint, filter);
  const records = findRecords(collection, { filter, limit: multi ? 0 : 1 });
  // A collision half-way leaves the earlier documents changed, and the statement counts for nothing.
  let modified = 0;
  for (const record of records) if (updater.apply(collection!, record)) modified++;
  if (records.length === 0 && booleanOption(statement, 'upsert')) {
    const doc = updater.upsert(namespace, filter);
    tally.upserted.push({ index, _id: doc._id as unknown });
    tally.n++;
  }
  tally.n += records.length;
  tally.nModified += modified;
}
