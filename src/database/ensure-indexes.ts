import type { Connection, Model } from 'mongoose';
import type { IndexDescription } from '../core/index-state.js';

const DUPLICATE_KEY = 11000;

/** A collection and the indexes that it needs. */
export interface ExpectedIndexes {
  readonly collection: string;
  readonly indexes: readonly IndexDescription[];
}

/** Of the models in use, by their connection and collection. */
const inUse = new WeakMap<Connection, Map<string, ExpectedIndexes>>();

/**
 * Builds a model's indexes before its first use. Done here, not by Mongoose on its own, because a store that a host
 * replaced by its own must leave no trace in the host's database. `autoIndex: false` on the connection is honoured.
 */
export async function ensureIndexes<T>(model: Model<T>): Promise<void> {
  const expected = inUse.get(model.db) ?? new Map<string, ExpectedIndexes>();
  inUse.set(model.db, expected.set(model.collection.collectionName, indexesOf(model)));
  if (model.db.get('autoIndex') === false) return;
  try {
    await model.createIndexes();
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== DUPLICATE_KEY) throw cause;
    const { collectionName } = model.collection;
    throw new Error(
      `The collection '${collectionName}' holds documents of something else: keep these on another connection ` +
        `(connectionName), or pass a store of your own.`,
      { cause },
    );
  }
}

/** What {@link ensureIndexes} was asked for on a connection. */
export function expectedIndexes(connection: Connection): readonly ExpectedIndexes[] {
  return [...(inUse.get(connection)?.values() ?? [])];
}

function indexesOf<T>({ collection, schema }: Model<T>): ExpectedIndexes {
  const indexes = schema.indexes().map(([key, options]) => ({ ...options, key }) as IndexDescription);
  return { collection: collection.collectionName, indexes };
}
