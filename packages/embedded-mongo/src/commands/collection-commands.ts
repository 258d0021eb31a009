import type { Collection } from '../engine/collection.js';
import { illegalOperation, namespaceExists } from '../engine/errors.js';
import { compileFilter } from '../engine/match.js';
import { wholeNumber } from '../engine/numbers.js';
import { openCursor } from '../engine/result-cursor.js';
import { splitNamespace } from '../engine/store.js';
import type { Document } from '../engine/values.js';
import {
  batchSizeOf,
  booleanOption,
  namespaceOf,
  optionalDocument,
  writableNamespaceOf,
} from './arguments.js';
import type { Command, CommandContext } from './command.js';

const create: Command = {
  names: ['create'],
  options: [],
  run: (context) => {
    const namespace = writableNamespaceOf(context);
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

/** `authorizedCollections` changes nothing: there are no users. */
const listCollections: Command = {
  names: ['listCollections'],
  options: ['filter', 'nameOnly', 'authorizedCollections', 'cursor'],
  run: ({ server, command, database }: CommandContext) => {
    const matches = compileFilter(optionalDocument(command, 'filter') ?? {});
    const found = server.store
      .collections(database)
      .map(describeCollection)
      .filter((doc) => matches(doc));
    const docs = booleanOption(command, 'nameOnly') ? found.map(nameAndType) : found;
    return openCursor(server.cursors, `${database}.$cmd.listCollections`, docs, batchSizeOf(command));
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

function nameAndType({ name, type }: Document): Document {
  return { name: name as string, type: type as string };
}

/** Serves `estimatedDocumentCount`; drivers count by a filter with an aggregation. */
const count: Command = {
  names: ['count'],
  options: [],
  run: (context) => ({ n: context.server.store.find(namespaceOf(context))?.records.size ?? 0 }),
};

export const collectionCommands = [create, drop, dropDatabase, listCollections, count];
