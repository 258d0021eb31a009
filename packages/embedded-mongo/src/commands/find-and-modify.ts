import type { Collection } from '../engine/collection.js';
import { failedToParse } from '../engine/errors.js';
import { compileProjection, type Projection } from '../engine/projection.js';
import { findRecords } from '../engine/query-plan.js';
import type { StoredRecord } from '../engine/stored-record.js';
import type { Document } from '../engine/values.js';
import { booleanOption, optionalDocument, writableNamespaceOf } from './arguments.js';
import type { Command, CommandContext } from './command.js';
import { Updater } from './updating.js';

export const findAndModifyCommand: Command = {
  names: ['findAndModify'],
  options: ['query', 'remove', 'update', 'new', 'fields', 'upsert'],
  retryable: true,
  run: findAndModify,
};

function findAndModify(context: CommandContext): Document {
  const { command, server } = context;
  const namespace = writableNamespaceOf(context);
  checkCombination(command);
  const filter = optionalDocument(command, 'query') ?? {};
  const show = compileProjection(optionalDocument(command, 'fields') ?? {});
  const removing = booleanOption(command, 'remove');
  const updater = removing ? undefined : new Updater(context, command.update);
  const collection = server.store.find(namespace);
  const [record] = findRecords(collection, { filter, limit: 1 });
  if (!updater) return removeOne(context, collection, record, show);
  if (collection && record) return updateOne(context, collection, record, updater, show);
  return upsertOne(context, namespace, filter, updater, show);
}

function checkCombination(command: Document): void {
  const removing = booleanOption(command, 'remove');
  const updating = command.update !== undefined;
  if (!removing && !updating) throw failedToParse('Either an update or remove=true must be specified');
  if (!removing) return;
  if (updating) throw failedToParse('Cannot specify both an update and remove=true');
  if (booleanOption(command, 'upsert'))
    throw failedToParse('Cannot specify both upsert=true and remove=true');
  if (booleanOption(command, 'new')) {
    throw failedToParse(
      "Cannot specify both new=true and remove=true; 'remove' always returns the deleted document",
    );
  }
}

function removeOne(
  { server }: CommandContext,
  collection: Collection | undefined,
  record: StoredRecord | undefined,
  show: Projection,
): Document {
  if (!collection || !record) return { lastErrorObject: { n: 0 }, value: null };
  server.store.remove(collection, record);
  return { lastErrorObject: { n: 1 }, value: show(record.doc) };
}

function updateOne(
  { command }: CommandContext,
  collection: Collection,
  record: StoredRecord,
  updater: Updater,
  show: Projection,
): Document {
  const before = record.doc;
  updater.apply(collection, record);
  const value = show(booleanOption(command, 'new') ? record.doc : before);
  return { lastErrorObject: { n: 1, updatedExisting: true }, value };
}

function upsertOne(
  { command }: CommandContext,
  namespace: string,
  filter: Document,
  updater: Updater,
  show: Projection,
): Document {
  if (!booleanOption(command, 'upsert')) {
    return { lastErrorObject: { n: 0, updatedExisting: false }, value: null };
  }
  const doc = updater.upsert(namespace, filter);
  return {
    lastErrorObject: { n: 1, updatedExisting: false, upserted: doc._id as unknown },
    value: booleanOption(command, 'new') ? show(doc) : null,
  };
}
