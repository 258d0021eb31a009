import { BSON } from 'mongodb';
import type { Collection } from '../engine/collection.js';
import type { StoredRecord } from '../engine/stored-record.js';
import { type CompiledUpdate, compileUpdate } from '../engine/update.js';
import { upsertSeed } from '../engine/upsert-seed.js';
import type { Document } from '../engine/values.js';
import type { CommandContext } from './command.js';
import { checkId } from './insert.js';

/** An update as update and findAndModify apply it to one document. */
export class Updater {
  private readonly compiled: CompiledUpdate;

  constructor(
    private readonly context: CommandContext,
    update: unknown,
  ) {
    this.compiled = compileUpdate(update);
  }

  /** Returns whether anything changed. */
  apply(collection: Collection, record: StoredRecord): boolean {
    const updated = this.compiled(record.doc, { now: this.context.now, inserting: false });
    if (updated === record.doc) return false;
    this.context.server.store.update(collection, record, updated);
    return true;
  }

  /** Inserts what the filter and the update describe together. */
  upsert(namespace: string, filter: Document): Document {
    const { server, now } = this.context;
    const made = this.compiled(upsertSeed(filter), { now, inserting: true });
    const doc: Document = made._id === undefined ? { _id: new BSON.ObjectId(), ...made } : made;
    checkId(doc._id);
    server.store.insert(server.store.findOrCreate(namespace), doc);
    return doc;
  }
}
