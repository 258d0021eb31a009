import { notImplemented } from '../errors.js';
import { MAX_DOCUMENT_BYTES } from '../wire.js';
import type { Command } from './command.js';
import { helloCommand } from './hello.js';

const VERSION = '7.0.0';

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

export const handshakeCommands = [helloCommand, ping, buildInfo, connectionStatus, whatsMyUri, sasl];
