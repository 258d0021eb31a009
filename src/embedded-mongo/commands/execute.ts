import { BSON } from 'mongodb';

import { MongoServerFault, commandNotFound, invalidNamespace, notImplemented } from '../errors.js';
import type { WriteIdentity } from '../retryable-writes.js';
import { type Document, isDocument, typeName } from '../values.js';
import { aggregateCommand } from './aggregate.js';
import { commandName } from './arguments.js';
import { collectionCommands } from './collection-commands.js';
import type { Command, CommandContext, ConnectionState, ServerState } from './command.js';
import { countCommands } from './count-distinct.js';
import { cursorCommands } from './cursor-commands.js';
import { deleteCommand } from './delete.js';
import { findAndModifyCommand } from './find-and-modify.js';
import { findCommand } from './find.js';
import { handshakeCommands } from './handshake.js';
import { indexCommands } from './index-commands.js';
import { insertCommand } from './insert.js';
import { checkOptions } from './options.js';
import { sessionCommands } from './session-commands.js';
import { updateCommand } from './update.js';
import { NamedFault } from '../named-fault.js';

const OK = new BSON.Double(1);
const NOT_OK = new BSON.Double(0);

const COMMANDS = new Map<string, Command>(
  [
    ...handshakeCommands,
    ...[insertCommand, findCommand, updateCommand, deleteCommand, findAndModifyCommand, aggregateCommand],
    ...[...countCommands, ...indexCommands, ...collectionCommands, ...cursorCommands, ...sessionCommands],
  ].flatMap((command) => command.names.map((name) => [name, command] as const)),
);

/** Commands of MongoDB that this server does not have; any other unknown name is an error of the caller. */
const REFUSED_COMMANDS = new Set([
  ...['mapReduce', 'mapreduce', 'explain', 'renameCollection', 'collMod', 'collStats', 'dbStats', 'dbstats'],
  ...[
    'validate',
    'reIndex',
    'compact',
    'currentOp',
    'killOp',
    'serverStatus',
    'getParameter',
    'setParameter',
  ],
  ...['replSetGetStatus', 'replSetGetConfig', 'getLastError', 'hostInfo', 'getLog', 'logout', 'listCommands'],
  ...[
    'getCmdLineOpts',
    'top',
    'fsync',
    'shutdown',
    'createUser',
    'usersInfo',
    'convertToCapped',
    'bulkWrite',
  ],
  ...['killSessions', 'killAllSessions', 'profile', 'dataSize', 'features', 'connPoolStats', 'lockInfo'],
  ...['getnonce', 'getDefaultRWConcern', 'setDefaultRWConcern', 'planCacheClear', 'whatsmysni'],
]);

/** Settles what a command has changed before its answer is sent. */
export type Settle = (write?: { identity: WriteIdentity; reply: Document }) => void;

export interface Execution {
  server: ServerState;
  connection: ConnectionState;
  settle: Settle;
  replyTo(identity: WriteIdentity): Document | undefined;
  identify(command: Document): WriteIdentity | undefined;
}

/** Answers one command; never throws, since an error is an answer too. */
export function execute(
  execution: Execution,
  command: Document,
  exhaustAllowed = false,
): Document | Promise<Document> {
  try {
    const definition = commandOf(command);
    const database = databaseOf(command);
    if (definition.adminOnly && database !== 'admin') {
      const message = `${commandName(command)} may only be run against the admin database.`;
      throw new NamedFault(13, message);
    }
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
  if (definition) return definition;
  if (REFUSED_COMMANDS.has(name)) throw notImplemented(`The command ${name}`);
  throw commandNotFound(`no such command: '${name}'`);
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
    // Also after an error: a command that fails half-way has changed what came before.
    execution.settle();
  }
}

/** The reply is settled together with the changes: whoever remembers the one remembers the other. */
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
