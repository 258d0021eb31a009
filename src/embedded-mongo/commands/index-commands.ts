import type { Collection } from '../collection.js';
import {
  MongoServerFault,
  badValue,
  failedToParse,
  indexNotFound,
  invalidOptions,
  namespaceNotFound,
  typeMismatch,
} from '../errors.js';
import { existingIndex, sameKeyPattern } from '../index-conflicts.js';
import { parseIndexSpec } from '../index-spec.js';
import { DocumentCursor } from '../result-cursor.js';
import { type Document, isDocument } from '../values.js';
import {
  ZERO_CURSOR,
  countOption,
  missingField,
  namespaceOf,
  optionalDocument,
  writableNamespaceOf,
} from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { DEFAULT_FIRST_BATCH } from './find.js';

const createIndexes: Command = {
  names: ['createIndexes'],
  options: ['indexes', 'commitQuorum', 'ignoreUnknownIndexOptions'],
  refused: ['ignoreUnknownIndexOptions'],
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
  // All of them are compared with what is there before the first is built.
  const missing = wanted.filter((spec) => !existingIndex(specsOf(collection), spec));
  if (before + missing.length > MAX_INDEXES) {
    throw new MongoServerFault(67, `add index fails, too many indexes for ${namespace}`);
  }
  const built: string[] = [];
  try {
    for (const spec of missing) {
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
  const counts = { numIndexesBefore: before, numIndexesAfter: collection.indexes.length };
  if (built.length === 0) return { ...counts, note: 'all indexes already exist' };
  const note = built.length < wanted.length ? { note: 'index already exists' } : {};
  return {
    createdCollectionAutomatically: isNew,
    ...counts,
    ...note,
    commitQuorum: (command.commitQuorum as unknown) ?? 'votingMembers',
  };
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
    const batchSize =
      countOption(optionalDocument(command, 'cursor') ?? {}, 'batchSize') ?? DEFAULT_FIRST_BATCH;
    const cursor = new DocumentCursor(collection.indexes.map(({ spec }) => spec.shown));
    const { docs, exhausted } = cursor.next(batchSize);
    const id = exhausted ? ZERO_CURSOR : server.cursors.add(namespace, cursor);
    return { cursor: { id, ns: namespace, firstBatch: docs } };
  },
};

const dropIndexes: Command = {
  names: ['dropIndexes', 'deleteIndexes'],
  options: ['index'],
  run: (context) => {
    const { command, server } = context;
    const namespace = namespaceOf(context);
    const wanted: unknown = command.index;
    if (wanted === undefined) throw missingField('dropIndexes.index');
    const collection = server.store.find(namespace);
    if (!collection) throw namespaceNotFound(`ns not found ${namespace}`);
    const nIndexesWas = collection.indexes.length;
    const names = namesToDrop(collection, wanted);
    for (const name of names) server.store.dropIndex(collection, name);
    const msg = wanted === '*' ? { msg: 'non-_id indexes dropped for collection' } : {};
    return { nIndexesWas, ...msg };
  },
};

function namesToDrop(collection: Collection, wanted: unknown): string[] {
  const names = specsOf(collection).map(({ name }) => name);
  if (wanted === '*') return names.slice(1);
  if (Array.isArray(wanted)) return wanted.map((name: unknown) => droppable(names, name));
  if (!isDocument(wanted)) return [droppable(names, wanted)];
  const found = specsOf(collection).find(({ key }) => sameKeyPattern(key, wanted));
  if (!found) throw indexNotFound("can't find index with that key");
  return [droppable(names, found.name)];
}

function droppable(names: string[], name: unknown): string {
  if (typeof name !== 'string') throw failedToParse('The name of an index must be a string');
  if (name === '_id_') throw invalidOptions('cannot drop _id index');
  if (!names.includes(name)) throw indexNotFound(`index not found with name [${name}]`);
  return name;
}

export const indexCommands = [createIndexes, listIndexes, dropIndexes];
