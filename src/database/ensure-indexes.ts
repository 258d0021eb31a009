import type { Model } from 'mongoose';

/**
 * Builds a model's indexes before its first use. Done here, not by Mongoose on its own, because a store that a host
 * replaced by its own must leave no trace in the host's database. `autoIndex: false` on the connection is honoured.
 */
export async function ensureIndexes<T>(model: Model<T>): Promise<void> {
  if (model.db.get('autoIndex') === false) return;
  await model.createIndexes();
}
