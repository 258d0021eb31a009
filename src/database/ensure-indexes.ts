import type { Model } from 'mongoose';

const DUPLICATE_KEY = 11000;

/**
 * Builds a model's indexes before its first use. Done here, not by Mongoose on its own, because a store that a host
 * replaced by its own must leave no trace in the host's database. `autoIndex: false` on the connection is honoured.
 */
export async function ensureIndexes<T>(model: Model<T>): Promise<void> {
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
