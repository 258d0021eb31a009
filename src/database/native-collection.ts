import type { Connection, Model, mongo } from 'mongoose';
import { AuthError } from '../core/errors.js';

/** Options of every schema of the library. The `IndexRegistry` builds the indexes. */
export const SCHEMA_OPTIONS = { versionKey: false, autoCreate: false, autoIndex: false } as const;

/**
 * Whatever the host's connection prefers: a rotation read from a lagging secondary would look like a theft, and so would one
 * that was acknowledged and lost. `j`: without it a standalone server answers before the write is on disk.
 */
const DURABLE = { readPreference: 'primary', writeConcern: { w: 'majority', j: true } } as const;

/**
 * The driver's collection of a model: no hydration and no casting on the hot path. Reads from the primary; writes are on
 * disk at the majority when they are acknowledged.
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
 * The driver takes longer to make a collection than to build a command. Keyed by the model, which stores share, so that
 * no store needs a field for it and nothing outlives the connection.
 */
const collections = new WeakMap<object, { readonly db: object; readonly collection: object }>();

/** A collection without a model, read and written in the same way. */
export function durableCollection<T extends object>({ db }: Connection, name: string): mongo.Collection<T> {
  if (!db)
    throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'the database connection is not open yet' });
  return db.collection<T>(name, DURABLE);
}
