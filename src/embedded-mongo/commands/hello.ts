import { BSON } from 'mongodb';

import { MongoServerFault, badValue, typeMismatch } from '../errors.js';
import { MAX_MESSAGE_BYTES } from '../frame-reader.js';
import { NamedFault } from '../named-fault.js';
import { numericValue } from '../numbers.js';
import type { TopologyVersion } from '../topology.js';
import { type Document, isDocument, isNumber, typeName } from '../values.js';
import { MAX_DOCUMENT_BYTES } from '../wire.js';
import { commandName, missingField, unknownField } from './arguments.js';
import type { Command, CommandContext } from './command.js';

const MAX_WIRE_VERSION = 21;
const SESSION_TIMEOUT_MINUTES = 30;

export const helloCommand: Command = {
  names: ['hello', 'isMaster', 'ismaster'],
  options: ['helloOk', 'client', 'compression', 'saslSupportedMechs', 'topologyVersion', 'maxAwaitTimeMS'],
  ignoresUnknownOptions: true,
  refused: ['speculativeAuthenticate', 'loadBalanced'],
  run: hello,
};

interface Awaiting {
  known: TopologyVersion;
  maxAwaitMs: number;
}

/** An answer at once, or for who tells what he has heard already: with the news, or when his time is over. */
function hello(context: CommandContext): Document | Promise<Document> {
  const { connection, server, command, exhaustAllowed } = context;
  const awaiting = awaitingOf(command);
  if (exhaustAllowed && !awaiting) {
    throw new MongoServerFault(
      51756,
      "An isMaster or hello request with exhaust must specify 'maxAwaitTimeMS'",
    );
  }
  takeMetadata(context);
  if (!awaiting) return describeServer(context);
  const news = server.topology.awaitNewsFor(awaiting.known, awaiting.maxAwaitMs, connection.closed);
  return news.then(() => describeServer(context));
}

/**
 * The command whose answer follows the answer to this one without being asked for: a hello that may be answered many
 * times is asked again with the state it was told.
 */
export function nextInvocation(command: Document, reply: Document): Document | undefined {
  if (!helloCommand.names.includes(commandName(command)) || reply.topologyVersion === undefined)
    return undefined;
  return { ...command, topologyVersion: reply.topologyVersion as unknown };
}

function awaitingOf(command: Document): Awaiting | undefined {
  const known = topologyVersionOf(command.topologyVersion);
  const maxAwaitMs = maxAwaitTimeOf(command.maxAwaitTimeMS);
  if (known && maxAwaitMs !== undefined) {
    if (known.counter.isNegative()) {
      throw new MongoServerFault(31372, 'topologyVersion must have a non-negative counter');
    }
    return { known, maxAwaitMs };
  }
  if (known) {
    throw new MongoServerFault(31368, "A request with a 'topologyVersion' must include 'maxAwaitTimeMS'");
  }
  if (maxAwaitMs !== undefined) {
    throw new MongoServerFault(31368, "A request with 'maxAwaitTimeMS' must include a 'topologyVersion'");
  }
  return undefined;
}

function topologyVersionOf(value: unknown): TopologyVersion | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isDocument(value)) throw wrongType('topologyVersion', value, 'object');
  for (const name of Object.keys(value)) {
    if (name !== 'processId' && name !== 'counter') throw unknownField(`hello.topologyVersion.${name}`);
  }
  for (const name of ['processId', 'counter']) {
    if (value[name] === undefined) throw missingField(`hello.topologyVersion.${name}`);
  }
  const { processId, counter } = value as Record<string, unknown>;
  if (!(processId instanceof BSON.ObjectId))
    throw wrongType('topologyVersion.processId', processId, 'objectId');
  if (!(counter instanceof BSON.Long)) throw wrongType('topologyVersion.counter', counter, 'long');
  return { processId, counter };
}

function maxAwaitTimeOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isNumber(value)) throw wrongType('maxAwaitTimeMS', value, '[long, int, decimal, double]');
  const ms = Math.trunc(Number(numericValue(value).toString())) || 0;
  if (ms < 0) throw badValue(`BSON field 'maxAwaitTimeMS' value must be >= 0, actual value '${ms}'`);
  return ms;
}

function wrongType(field: string, value: unknown, expected: string): MongoServerFault {
  return typeMismatch(
    `BSON field 'hello.${field}' is the wrong type '${typeName(value)}', expected type '${expected}'`,
  );
}

function takeMetadata({ command, connection }: CommandContext): void {
  if (command.client === undefined) return;
  if (connection.metadataSent) {
    throw new NamedFault(186, 'The client metadata document may only be sent in the first isMaster');
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
    // Not when it was asked, which may be long ago.
    localTime: new Date(),
    logicalSessionTimeoutMinutes: SESSION_TIMEOUT_MINUTES,
    connectionId: connection.id,
    minWireVersion: 0,
    maxWireVersion: MAX_WIRE_VERSION,
    readOnly: false,
  };
}
