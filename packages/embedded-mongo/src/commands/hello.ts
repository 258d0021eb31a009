import { BSON } from 'mongodb';
import { MongoServerFault, notImplemented } from '../engine/errors.js';
import { MAX_MESSAGE_BYTES } from '../engine/frame-reader.js';
import { wholeNumber } from '../engine/numbers.js';
import type { TopologyVersion } from '../engine/topology.js';
import { type Document, isDocument, isNullish } from '../engine/values.js';
import { MAX_DOCUMENT_BYTES } from '../engine/wire.js';
import { commandName } from './arguments.js';
import type { Command, CommandContext } from './command.js';

const MAX_WIRE_VERSION = 21;
const SESSION_TIMEOUT_MINUTES = 30;

export const helloCommand: Command = {
  names: ['hello', 'ismaster'],
  options: ['helloOk', 'client', 'topologyVersion', 'maxAwaitTimeMS'],
  ignoresUnknownOptions: true,
  run: hello,
};

interface Awaiting {
  known: TopologyVersion;
  maxAwaitMs: number;
}

/**
 * Replies at once, unless the client names the state that it knows: then when that state changes or the wait is
 * over.
 */
function hello(context: CommandContext): Document | Promise<Document> {
  const { connection, server, command, exhaustAllowed } = context;
  const awaiting = awaitingOf(command);
  if (exhaustAllowed && !awaiting) throw notImplemented("An exhaust hello without 'maxAwaitTimeMS'");
  takeMetadata(context);
  if (!awaiting) return describeServer(context);
  const news = server.topology.awaitNewsFor(awaiting.known, awaiting.maxAwaitMs, connection.closed);
  return news.then(() => describeServer(context));
}

/** The next hello of a client that accepts several replies to one: the same command with the state it was just sent. */
export function nextInvocation(command: Document, reply: Document): Document | undefined {
  if (!helloCommand.names.includes(commandName(command)) || reply.topologyVersion === undefined)
    return undefined;
  return { ...command, topologyVersion: reply.topologyVersion as unknown };
}

/** Drivers send the two fields together, in these types. */
function awaitingOf({ topologyVersion, maxAwaitTimeMS }: Document): Awaiting | undefined {
  if (isNullish(topologyVersion) && isNullish(maxAwaitTimeMS)) return undefined;
  const { processId, counter, ...others } = isDocument(topologyVersion) ? topologyVersion : {};
  const maxAwaitMs = wholeNumber(maxAwaitTimeMS);
  const isKnown = processId instanceof BSON.ObjectId && counter instanceof BSON.Long && !counter.isNegative();
  if (!isKnown || Object.keys(others).length > 0 || maxAwaitMs === undefined || maxAwaitMs < 0) {
    throw notImplemented("A hello with this 'topologyVersion' and 'maxAwaitTimeMS'");
  }
  return { known: { processId, counter }, maxAwaitMs };
}

function takeMetadata({ command, connection }: CommandContext): void {
  if (command.client === undefined) return;
  if (connection.metadataSent) {
    throw new MongoServerFault(186, 'The client metadata document may only be sent in the first isMaster');
  }
  connection.metadataSent = true;
}

/** The primary of a replica set of one, since retryable writes and change streams need a replica set. */
function describeServer({ server, connection, command }: CommandContext): Document {
  const address = `127.0.0.1:${server.port}`;
  return {
    ...(command.helloOk === true ? { helloOk: true } : {}),
    topologyVersion: { ...server.topology.version },
    hosts: [address],
    setName: 'rs0',
    setVersion: 1,
    [commandName(command) === 'hello' ? 'isWritablePrimary' : 'ismaster']: true,
    secondary: false,
    primary: address,
    me: address,
    maxBsonObjectSize: MAX_DOCUMENT_BYTES,
    maxMessageSizeBytes: MAX_MESSAGE_BYTES,
    maxWriteBatchSize: 100_000,
    // The time of the answer; the request may be much older.
    localTime: new Date(),
    logicalSessionTimeoutMinutes: SESSION_TIMEOUT_MINUTES,
    connectionId: connection.id,
    minWireVersion: 0,
    maxWireVersion: MAX_WIRE_VERSION,
    readOnly: false,
  };
}
