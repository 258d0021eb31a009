import { MongoServerFault, notImplemented } from '../errors.js';
import type { Document } from '../values.js';
import { MAX_MESSAGE_BYTES } from '../frame-reader.js';
import { MAX_DOCUMENT_BYTES } from '../wire.js';
import { commandName } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { NamedFault } from '../named-fault.js';

const VERSION = '7.0.0';
const MAX_WIRE_VERSION = 21;
const SESSION_TIMEOUT_MINUTES = 30;

const hello: Command = {
  names: ['hello', 'isMaster', 'ismaster'],
  options: ['helloOk', 'client', 'compression', 'saslSupportedMechs'],
  ignoresUnknownOptions: true,
  refused: ['topologyVersion', 'speculativeAuthenticate', 'loadBalanced'],
  run: describeServer,
};

/**
 * The primary of a replica set of one, since retryable writes and change streams need a replica set. No
 * `topologyVersion`: with it drivers would keep a hello waiting here for news that never comes.
 */
function describeServer({ server, connection, command, now }: CommandContext): Document {
  if (command.maxAwaitTimeMS !== undefined) {
    throw new MongoServerFault(31368, "A request with 'maxAwaitTimeMS' must include a 'topologyVersion'");
  }
  if (command.client !== undefined) {
    if (connection.metadataSent) {
      const message = 'The client metadata document may only be sent in the first isMaster';
      throw new NamedFault(186, message);
    }
    connection.metadataSent = true;
  }
  const address = `127.0.0.1:${server.port}`;
  return {
    ...(command.helloOk === true ? { helloOk: true } : {}),
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
    localTime: now,
    logicalSessionTimeoutMinutes: SESSION_TIMEOUT_MINUTES,
    connectionId: connection.id,
    minWireVersion: 0,
    maxWireVersion: MAX_WIRE_VERSION,
    readOnly: false,
  };
}

const ping: Command = { names: ['ping'], options: [], ignoresUnknownOptions: true, run: () => ({}) };

const buildInfo: Command = {
  names: ['buildInfo', 'buildinfo'],
  options: [],
  ignoresUnknownOptions: true,
  run: () => ({
    version: VERSION,
    gitVersion: 'embedded development server',
    modules: [],
    allocator: 'node',
    javascriptEngine: 'none',
    sysInfo: 'deprecated',
    versionArray: VERSION.split('.').map(Number).concat(0),
    openssl: { running: 'disabled', compiled: 'disabled' },
    bits: 64,
    debug: false,
    maxBsonObjectSize: MAX_DOCUMENT_BYTES,
    storageEngines: ['embedded'],
  }),
};

const connectionStatus: Command = {
  names: ['connectionStatus'],
  options: ['showPrivileges'],
  run: ({ command }) => ({
    authInfo: {
      authenticatedUsers: [],
      authenticatedUserRoles: [],
      ...(command.showPrivileges === true ? { authenticatedUserPrivileges: [] } : {}),
    },
  }),
};

const whatsMyUri: Command = {
  names: ['whatsmyuri'],
  options: [],
  run: ({ connection }) => ({ you: connection.remoteAddress }),
};

const sasl: Command = {
  names: ['saslStart', 'saslContinue', 'authenticate'],
  options: [],
  ignoresUnknownOptions: true,
  run: () => {
    throw notImplemented('Authentication');
  },
};

export const handshakeCommands = [hello, ping, buildInfo, connectionStatus, whatsMyUri, sasl];
