import type { Collection } from '../engine/collection.js';
import {
  badValue,
  failedToParse,
  indexNotFound,
  invalidOptions,
  MongoServerFault,
  namespaceNotFound,
  notImplemented,
  typeMismatch,
} from '../engine/errors.js';
import { existingIndex } from '../engine/index-conflicts.js';
import { type IndexSpec, parseIndexSpec } from '../engine/index-spec.js';
import { openCursor } from '../engine/result-cursor.js';
import { type Document, isDocument } from '../engine/values.js';
import {
  batchSizeOf,
  DEFAULT_FIRST_BATCH,
  missingField,
  namespaceOf,
  writableNamespaceOf,
} from './arguments.js';
import type { Command, CommandContext } from './command.js';

const createIndexes: Command = {
  names: ['createIndexes'],
  options: ['indexes'],
  run: create,
};

const MAX_INDEXES = 64;

function create(context: CommandContext): Document {
  const { command, server } = context;
  const namespace = writableNamespaceOf(context);
  const wanted = indexList(command).map((given) => parseIndexSpec(namespace, given));
  const isNew = server.store.find(namespace) === undefined;
  const collection = server.store.findOrCreate(namespace);
  const before = collection.indexes.length;
  // All specs are compared with the existing indexes before the first one is built.
  const missing = wanted.filter((spec) => !existingIndex(specsOf(collection), spec));
  if (before + missing.length > MAX_INDEXES) {
    throw new MongoServerFault(67, `add index fails, too many indexes for ${namespace}`);
  }
  build(context, collection, missing);
  const counts = { numIndexesBefore: before, numIndexesAfter: collection.indexes.length };
  if (missing.length === 0) return { ...counts, note: 'all indexes already exist' };
  const note = missing.length < wanted.length ? { note: 'index already exists' } : {};
  return {
    createdCollectionAutomatically: isNew,
    ...counts,
    ...note,
    commitQuorum: 'votingMembers',
  };
}

/** Builds all of them or none. */
function build({ server }: CommandContext, collection: Collection, specs: readonly IndexSpec[]): void {
  const built: string[] = [];
  try {
    for (const spec of specs) {
      if (existingIndex(specsOf(collection), spec)) {
        throw new MongoServerFault(68, `Identical index already exists: ${spec.name}`);
      }
      server.store.createIndex(collection, spec);
      built.push(spec.name);
    }
  } catch (error) {
    for (const name of built) server.store.dropIndex(collection, name);
    throw error;
  }
}

function specsOf(collection: Collection) {
  return collection.indexes.map(({ spec }) => spec);
}

function indexList(command: Document): Document[] {
  const { indexes } = command as Record<string, unknown>;
  if (indexes === undefined) throw failedToParse("The 'indexes' field is a required argument");
  if (!Array.isArray(indexes)) throw typeMismatch("The field 'indexes' must be an array");
  if (indexes.length === 0) throw badValue('Must specify at least one index to create');
  return indexes.map((given: unknown) => {
    if (!isDocument(given)) throw typeMismatch("The elements of the 'indexes' array must be objects");
    return given;
  });
}

const listIndexes: Command = {
  names: ['listIndexes'],
  options: ['cursor'],
  run: (context) => {
    const { command, server } = context;
    const namespace = namespaceOf(context);
    const collection = server.store.find(namespace);
    if (!collection) throw namespaceNotFound(`ns does not exist: ${namespace}`);
    const shown = collection.indexes.map(({ spec }) => spec.shown);
    return openCursor(server.cursors, namespace, shown, batchSizeOf(command) ?? DEFAULT_FIRST_BATCH);
  },
};

const dropIndexes: Command = {
  names: ['dropIndexes'],
  options: ['index'],
  run: (context) => {
    const { command, server } = context;
    const namespace = namespaceOf(context);
    const name: unknown = command.index;
    if (name === undefined) throw missingField('dropIndexes.index');
    if (typeof name !== 'string' || name === '*')
      throw notImplemented('Dropping indexes other than one by its name');
    const collection = server.store.find(namespace);
    if (!collection) throw namespaceNotFound(`ns not found ${namespace}`);
    if (name === '_id_') throw invalidOptions('cannot drop _id index');
    const nIndexesWas = collection.indexes.length;
    if (!specsOf(collection).some((spec) => spec.name === name))
      throw indexNotFound(`index not found with name [${name}]`);
    server.store.dropIndex(collection, name);
    return { nIndexesWas };
  },
};

export const indexCommands = [createIndexes, listIndexes, dropIndexes];
