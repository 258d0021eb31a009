import { BSON } from 'mongodb';

import type { Collection } from '../collection.js';
import type { StoredRecord } from '../stored-record.js';
import { type Document, isDocument } from '../values.js';
import { failedToParse, notImplemented } from '../errors.js';
import { type CompiledUpdate, compileUpdate, isReplacement, upsertSeed } from '../update.js';
import type { CommandContext } from './command.js';
import { checkId } from './insert.js';

/** An update as it is applied to one document, by the update command and by findAndModify alike. */
export class Updater {
  private readonly compiled: CompiledUpdate;
  readonly isReplacement: boolean;

  constructor(
    private readonly context: CommandContext,
    update: unknown,
  ) {
    if (!isDocument(update)) {
      if (Array.isArray(update)) throw notImplemented('An update by an aggregation pipeline');
      throw failedToParse('Update argument must be either an object or an array');
    }
    this.isReplacement = isReplacement(update);
    this.compiled = compileUpdate(update);
  }

  /** Whether anything changed. */
  apply(collection: Collection, record: StoredRecord): boolean {
    const updated = this.compiled(record.doc, { now: this.context.now, inserting: false });
    if (updated === record.doc) return false;
    this.context.server.store.update(collection, record, updated, this.isReplacement);
    return true;
  }

  /** Inserts what the filter and the update describe together. */
  upsert(namespace: string, filter: Document): Document {
    const { server, now } = this.context;
    const seed = upsertSeed(filter, { onlyId: this.isReplacement });
    const made = this.compiled(seed, { now, inserting: true });
    const doc: Document = made._id === undefined ? { _id: new BSON.ObjectId(), ...made } : made;
    checkId(doc._id);
    server.store.insert(server.store.findOrCreate(namespace), doc);
    return doc;
  }
}
