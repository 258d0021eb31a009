import { compilePipeline } from '../engine/aggregate.js';
import { notImplemented, typeMismatch } from '../engine/errors.js';
import { wholeNumber } from '../engine/numbers.js';
import { type Query, runQuery } from '../engine/query-plan.js';
import { type Document, isDocument } from '../engine/values.js';
import { aggregateCommand, leadingQuery } from './aggregate.js';
import {
  batchOf,
  booleanOption,
  commandName,
  countOption,
  namespaceOf,
  optionalDocument,
} from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { deleteCommand } from './delete.js';
import { findCommand } from './find.js';
import { findAndModifyCommand } from './find-and-modify.js';
import { checkOptions } from './options.js';
import { updateCommand } from './update.js';

/** What a command looks for; a write is not done. */
const QUERIES: readonly (readonly [Command, (command: Document) => Query])[] = [
  [findCommand, queryOfFind],
  [aggregateCommand, queryOfAggregate],
  [updateCommand, queryOfUpdate],
  [deleteCommand, queryOfDelete],
  [findAndModifyCommand, (command) => ({ filter: optionalDocument(command, 'query') ?? {}, limit: 1 })],
];

export const explainCommand: Command = {
  names: ['explain'],
  options: ['verbosity'],
  run: explain,
};

/** Runs the query, and says how many documents it took and by which index: nothing else that MongoDB explains. */
function explain(context: CommandContext): Document {
  const { explain: command, verbosity } = context.command as Record<string, unknown>;
  if (!isDocument(command)) throw typeMismatch("'explain' must be an object");
  if (verbosity !== 'executionStats')
    throw notImplemented('An explain of another verbosity than executionStats');
  const name = commandName(command);
  const [definition, queryOf] = QUERIES.find(([{ names }]) => names.includes(name)) ?? [];
  if (!definition || !queryOf) throw notImplemented(`An explain of ${name}`);
  checkOptions(definition, command);
  const namespace = namespaceOf({ ...context, command });
  const { records, docsExamined, indexName } = runQuery(
    context.server.store.find(namespace),
    queryOf(command),
  );
  const stage =
    indexName === null
      ? { stage: 'COLLSCAN' }
      : { stage: 'FETCH', inputStage: { stage: 'IXSCAN', indexName } };
  return {
    queryPlanner: { namespace, winningPlan: stage },
    executionStats: { nReturned: records.length, totalDocsExamined: docsExamined },
  };
}

function queryOfFind(command: Document): Query {
  const sort = optionalDocument(command, 'sort');
  return {
    filter: optionalDocument(command, 'filter') ?? {},
    ...(sort && { sort }),
    limit: countOption(command, 'limit') ?? 0,
  };
}

function queryOfAggregate({ pipeline }: Document): Query {
  if (!Array.isArray(pipeline)) throw typeMismatch("'pipeline' option must be specified as an array");
  const [first] = pipeline as unknown[];
  if (isDocument(first) && '$changeStream' in first) throw notImplemented('An explain of a change stream');
  compilePipeline(pipeline);
  return leadingQuery(pipeline);
}

function queryOfUpdate(command: Document): Query {
  const statement = onlyStatement(command, 'updates');
  return { filter: filterOf(statement), limit: booleanOption(statement, 'multi') ? 0 : 1 };
}

function queryOfDelete(command: Document): Query {
  const statement = onlyStatement(command, 'deletes');
  return { filter: filterOf(statement), limit: wholeNumber(statement.limit) ?? 0 };
}

function onlyStatement(command: Document, field: string): Document {
  const [statement, ...others] = batchOf(command, field);
  if (!statement || others.length > 0) throw notImplemented('An explain of several statements');
  return statement;
}

function filterOf({ q }: Document): Document {
  if (!isDocument(q)) throw typeMismatch('The query of a statement must be an object');
  return q;
}
