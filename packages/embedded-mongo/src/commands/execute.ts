import { BSON } from 'mongodb';
import { invalidNamespace, MongoServerFault, notImplemented } from '../engine/errors.js';
import type { WriteIdentity } from '../engine/retryable-writes.js';
import type { ServerState } from '../engine/server-state.js';
import { type Document, isDocument, typeName } from '../engine/values.js';
import { aggregateCommand } from './aggregate.js';
import { commandName } from './arguments.js';
import { collectionCommands } from './collection-commands.js';
import type { Command, CommandContext, ConnectionState } from './command.js';
import { cursorCommands } from './cursor-commands.js';
import { deleteCommand } from './delete.js';
import { explainCommand } from './explain.js';
import { findCommand } from './find.js';
import { findAndModifyCommand } from './find-and-modify.js';
import { handshakeCommands } from './handshake.js';
import { indexCommands } from './index-commands.js';
import { insertCommand } from './insert.js';
import { checkOptions } from './options.js';
import { updateCommand } from './update.js';

const OK = new BSON.Double(1);
const NOT_OK = new BSON.Double(0);

const COMMANDS = new Map<string, Command>(
  [
    ...handshakeCommands,
    ...collectionCommands,
    ...indexCommands,
    ...cursorCommands,
    insertCommand,
    findCommand,
    updateCommand,
    deleteCommand,
    findAndModifyCommand,
    aggregateCommand,
    explainCommand,
  ].flatMap((command) => command.names.map((name) => [name, command] as const)),
);

/** Journals and publishes what a command has changed, before its answer is sent. */
type Settle = (write?: { identity: WriteIdentity; reply: Document }) => void;

export interface Execution {
  server: ServerState;
  connection: ConnectionState;
  settle: Settle;
  replyTo(identity: WriteIdentity): Document | undefined;
  identify(command: Document): WriteIdentity | undefined;
}

/** Answers one command. Never throws: an error is an answer too. */
export function execute(
  execution: Execution,
  command: Document,
  exhaustAllowed = false,
): Document | Promise<Document> {
  try {
    const definition = commandOf(command);
    const database = databaseOf(command);
    checkOptions(definition, command);
    const { server, connection } = execution;
    const now = new Date();
    const context: CommandContext = { server, connection, database, command, now, exhaustAllowed };
    const identity = definition.retryable ? execution.identify(command) : undefined;
    return identity ? runOnce(execution, definition, context, identity) : run(execution, definition, context);
  } catch (error) {
    return errorReply(error);
  }
}

function commandOf(command: Document): Command {
  const name = commandName(command);
  const definition = COMMANDS.get(name);
  if (!definition) throw notImplemented(`The command ${name}`);
  return definition;
}

function databaseOf(command: Document): string {
  const database: unknown = command.$db;
  if (database === undefined) throw new MongoServerFault(40571, 'OP_MSG requests require a $db argument');
  if (typeof database !== 'string') {
    throw new MongoServerFault(13111, `wrong type for field ($db) ${typeName(database)} != string`);
  }
  if (database === '') throw invalidNamespace("Invalid database name: ''");
  if (database.includes('.')) throw invalidNamespace("'.' is an invalid character in a database name");
  return database;
}

function run(
  execution: Execution,
  definition: Command,
  context: CommandContext,
): Document | Promise<Document> {
  try {
    const result = definition.run(context);
    if (result instanceof Promise) return result.then(succeeded, errorReply);
    return isUnacknowledged(context.command) ? { ok: OK } : succeeded(result);
  } finally {
    // Also after an error: earlier statements may have changed something.
    execution.settle();
  }
}

/** Settles the reply together with the changes, so that the journal holds both or neither. */
function runOnce(
  execution: Execution,
  definition: Command,
  context: CommandContext,
  identity: WriteIdentity,
): Document {
  const earlier = execution.replyTo(identity);
  if (earlier) return earlier;
  let reply: Document | undefined;
  try {
    reply = succeeded(definition.run(context));
    return reply;
  } finally {
    execution.settle(reply && { identity, reply });
  }
}

function succeeded(result: Document): Document {
  return { ...result, ok: OK };
}

function isUnacknowledged({ writeConcern }: Document): boolean {
  return isDocument(writeConcern) && Number(writeConcern.w) === 0;
}

export function errorReply(error: unknown): Document {
  if (error instanceof MongoServerFault) {
    const { message, code, codeName, extra } = error;
    return { ok: NOT_OK, errmsg: message, code, codeName, ...extra };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { ok: NOT_OK, errmsg: `internal error: ${message}`, code: 1, codeName: 'InternalError' };
}
