import type { Model, mongo } from 'mongoose';
import { AuthError } from '../core/errors.js';

/** What every schema of the library shares; its indexes are built by `ensureIndexes`. */
export const SCHEMA_OPTIONS = { versionKey: false, autoCreate: false, autoIndex: false } as const;

/**
 * The driver's collection under a model: no hydration and no casting on the hot path. Reads from the primary, writes
 * to the majority, whatever the host's connection prefers: a rotation read from a lagging secondary would be a theft.
 */
export function nativeCollection<T extends object>(model: Model<T>): mongo.Collection<T> {
  const { db } = model.db;
  if (!db)
    throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'the database connection is not open yet' });
  const known = collections.get(model);
  // A connection that is opened again may have another database object.
  if (known?.db === db) return known.collection as mongo.Collection<T>;
  const collection = db.collection<T>(model.collection.collectionName, {
    readPreference: 'primary',
    writeConcern: { w: 'majority' },
  });
  collections.set(model, { db, collection });
  return collection;
}

/** Made once for each model: the driver takes longer to make one than to build a command. */
const collections = new WeakMap<object, { readonly db: object; readonly collection: object }>();
