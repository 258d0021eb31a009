import { BSON } from 'mongodb';
import { Collection } from './collection.js';
import { MongoServerFault, namespaceNotFound } from './errors.js';
import type { IndexSpec } from './index-spec.js';
import type { StoredRecord } from './stored-record.js';
import type { Document } from './values.js';

/** What a command changed: written to the journal, and published to change streams. */
export type Change =
  | { kind: 'create'; namespace: string; uuid: BSON.UUID }
  | { kind: 'drop'; namespace: string }
  | { kind: 'createIndex'; namespace: string; spec: Document }
  | { kind: 'dropIndex'; namespace: string; name: string }
  | { kind: 'insert'; namespace: string; doc: Document }
  | { kind: 'update'; namespace: string; doc: Document; before: Document }
  | { kind: 'delete'; namespace: string; id: unknown }
  | { kind: 'dropDatabase'; database: string };

/**
 * All databases. Every change goes through here and is recorded; after each command its changes are taken and
 * settled together.
 */
export class Store {
  private readonly databases = new Map<string, Map<string, Collection>>();
  private changes: Change[] = [];

  takeChanges(): Change[] {
    const taken = this.changes;
    if (taken.length > 0) this.changes = [];
    return taken;
  }

  collections(database: string): Collection[] {
    return [...(this.databases.get(database)?.values() ?? [])];
  }

  *allCollections(): Generator<Collection> {
    for (const collections of this.databases.values()) yield* collections.values();
  }

  find(namespace: string): Collection | undefined {
    const { database, name } = splitNamespace(namespace);
    return this.databases.get(database)?.get(name);
  }

  findOrCreate(namespace: string): Collection {
    return this.find(namespace) ?? this.create(namespace);
  }

  create(namespace: string, uuid = new BSON.UUID()): Collection {
    const { database, name } = splitNamespace(namespace);
    let collections = this.databases.get(database);
    if (!collections) {
      this.checkCase(database);
      collections = new Map<string, Collection>();
      this.databases.set(database, collections);
    }
    const collection = new Collection(namespace, uuid);
    collections.set(name, collection);
    this.changes.push({ kind: 'create', namespace, uuid });
    return collection;
  }

  drop(namespace: string): Collection {
    const { database, name } = splitNamespace(namespace);
    const collections = this.databases.get(database);
    const collection = collections?.get(name);
    if (!collections || !collection) throw namespaceNotFound('ns not found');
    collections.delete(name);
    if (collections.size === 0) this.databases.delete(database);
    // Open cursors skip removed records.
    for (const record of collection.records.values()) record.removed = true;
    this.changes.push({ kind: 'drop', namespace });
    return collection;
  }

  dropDatabase(database: string): boolean {
    const collections = this.collections(database);
    for (const { namespace } of collections) this.drop(namespace);
    if (collections.length > 0) this.changes.push({ kind: 'dropDatabase', database });
    return collections.length > 0;
  }

  createIndex(collection: Collection, spec: IndexSpec): void {
    collection.createIndex(spec);
    this.changes.push({ kind: 'createIndex', namespace: collection.namespace, spec: spec.shown });
  }

  dropIndex(collection: Collection, name: string): void {
    collection.dropIndex(name);
    this.changes.push({ kind: 'dropIndex', namespace: collection.namespace, name });
  }

  insert(collection: Collection, doc: Document): void {
    collection.insert(doc);
    this.changes.push({ kind: 'insert', namespace: collection.namespace, doc });
  }

  update(collection: Collection, record: StoredRecord, doc: Document): void {
    const before = record.doc;
    collection.replace(record, doc);
    this.changes.push({ kind: 'update', namespace: collection.namespace, doc, before });
  }

  remove(collection: Collection, record: StoredRecord): void {
    collection.remove(record);
    this.changes.push({ kind: 'delete', namespace: collection.namespace, id: record.doc._id as unknown });
  }

  /** MongoDB refuses two names that differ only in case: some file systems treat them as one directory. */
  private checkCase(database: string): void {
    for (const existing of this.databases.keys()) {
      if (existing.toLowerCase() !== database.toLowerCase()) continue;
      const message = `db already exists with different case already have: [${existing}] trying to create [${database}]`;
      throw new MongoServerFault(13297, message);
    }
  }
}

export function splitNamespace(namespace: string): { database: string; name: string } {
  const dot = namespace.indexOf('.');
  return { database: namespace.slice(0, dot), name: namespace.slice(dot + 1) };
}
