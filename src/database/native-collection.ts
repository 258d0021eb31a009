import type { Connection, Model, mongo } from 'mongoose';
import { AuthError } from '../core/errors.js';

/** Options of every schema of the library. The `IndexRegistry` builds the indexes. */
export const SCHEMA_OPTIONS = { versionKey: false, autoCreate: false, autoIndex: false } as const;

/**
 * Overrides the settings of the host's connection. A rotation that is read from a lagging secondary, or acknowledged and then
 * lost, would look like theft. `j`: without it a standalone server answers before the write is on disk.
 */
const DURABLE = { readPreference: 'primary', writeConcern: { w: 'majority', j: true } } as const;

/**
 * The driver's collection for a model, without hydration and casting, for frequent operations. Reads from the primary;
 * acknowledged writes are on disk at a majority.
 */
export function nativeCollection<T extends object>(model: Model<T>): mongo.Collection<T> {
  const { db } = model.db;
  if (!db)
    throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'the database connection is not open yet' });
  const known = collections.get(model);
  // A reopened connection may have another database object.
  if (known?.db === db) return known.collection as mongo.Collection<T>;
  const collection = db.collection<T>(model.collection.collectionName, DURABLE);
  collections.set(model, { db, collection });
  return collection;
}

/**
 * Cached, because the driver takes longer to create a collection than to build a command. The key is the model, which stores
 * share: no store needs a field, and nothing outlives the connection.
 */
const collections = new WeakMap<object, { readonly db: object; readonly collection: object }>();

/** A collection without a model, with the same read and write settings. */
export function durableCollection<T extends object>({ db }: Connection, name: string): mongo.Collection<T> {
  if (!db)
    throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'the database connection is not open yet' });
  return db.collection<T>(name, DURABLE);
}
