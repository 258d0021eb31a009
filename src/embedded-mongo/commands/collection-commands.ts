import { illegalOperation, namespaceExists, notImplemented } from '../errors.js';
import { wholeNumber } from '../numbers.js';
import { compileFilter } from '../match.js';
import { BSON } from 'mongodb';
import { DocumentCursor } from '../result-cursor.js';
import type { Collection } from '../collection.js';
import { splitNamespace } from '../store.js';
import type { Document } from '../values.js';
import {
  ZERO_CURSOR,
  booleanOption,
  countOption,
  optionalDocument,
  writableNamespaceOf,
} from './arguments.js';
import type { Command, CommandContext } from './command.js';

const create: Command = {
  names: ['create'],
  options: ['capped', 'autoIndexId'],
  refused: [
    ...['capped', 'size', 'max', 'storageEngine', 'validator', 'validationLevel', 'validationAction'],
    ...['indexOptionDefaults', 'viewOn', 'pipeline', 'collation', 'timeseries', 'expireAfterSeconds'],
    ...['clusteredIndex', 'changeStreamPreAndPostImages', 'encryptedFields', 'temp', 'idIndex'],
  ],
  run: (context) => {
    const namespace = writableNamespaceOf(context);
    if (booleanOption(context.command, 'capped')) throw notImplemented('A capped collection');
    if (context.server.store.find(namespace)) {
      throw namespaceExists(`Collection already exists. NS: ${namespace}`);
    }
    context.server.store.create(namespace);
    return {};
  },
};

const drop: Command = {
  names: ['drop'],
  options: [],
  run: (context) => {
    const namespace = writableNamespaceOf(context);
    const collection = context.server.store.drop(namespace);
    return { nIndexesWas: collection.indexes.length, ns: namespace };
  },
};

const dropDatabase: Command = {
  names: ['dropDatabase'],
  options: [],
  run: ({ server, command, database }) => {
    if (wholeNumber(command.dropDatabase) !== 1) throw illegalOperation('have to pass 1 as db parameter');
    return server.store.dropDatabase(database) ? { dropped: database } : {};
  },
};

const listCollections: Command = {
  names: ['listCollections'],
  options: ['filter', 'nameOnly', 'authorizedCollections', 'cursor'],
  run: ({ server, command, database }: CommandContext) => {
    const nameOnly = booleanOption(command, 'nameOnly');
    const matches = compileFilter(optionalDocument(command, 'filter') ?? {});
    const batchSize = countOption(optionalDocument(command, 'cursor') ?? {}, 'batchSize');
    const namespace = `${database}.$cmd.listCollections`;
    const found = server.store
      .collections(database)
      .map(describeCollection)
      .filter((doc) => matches(doc));
    const docs = nameOnly ? found.map(nameAndType) : found;
    const cursor = new DocumentCursor(docs);
    const { docs: firstBatch, exhausted } = cursor.next(batchSize);
    return {
      cursor: {
        id: exhausted ? ZERO_CURSOR : server.cursors.add(namespace, cursor),
        ns: namespace,
        firstBatch,
      },
    };
  },
};

function describeCollection({ namespace, uuid }: Collection): Document {
  return {
    name: splitNamespace(namespace).name,
    type: 'collection',
    options: {},
    info: { readOnly: false, uuid },
    idIndex: { v: 2, key: { _id: 1 }, name: '_id_' },
  };
}

function nameAndType(described: Document): Document {
  return { name: described.name as string, type: described.type as string };
}

const listDatabases: Command = {
  names: ['listDatabases'],
  options: ['filter', 'nameOnly', 'authorizedDatabases'],
  adminOnly: true,
  run: ({ server, command }) => {
    const matches = compileFilter(optionalDocument(command, 'filter') ?? {});
    const databases = server.store.databaseNames().map((name) => {
      const collections = server.store.collections(name);
      const records = collections.flatMap(({ records }) => [...records.values()]);
      const sizeOnDisk = records.reduce((sum, { bytes }) => sum + bytes, 0);
      return { name, sizeOnDisk: new BSON.Double(sizeOnDisk), empty: records.length === 0 };
    });
    const shown = databases.filter((doc) => matches(doc));
    if (booleanOption(command, 'nameOnly')) return { databases: shown.map(({ name }) => ({ name })) };
    const total = shown.reduce((sum, { sizeOnDisk }) => sum + sizeOnDisk.value, 0);
    return { databases: shown, totalSize: new BSON.Double(total) };
  },
};

export const collectionCommands = [create, drop, dropDatabase, listCollections, listDatabases];
