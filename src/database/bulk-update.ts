import type { mongo } from 'mongoose';
import { orUnavailable } from './unavailable.js';

/**
 * Sends many updates as one command, which the driver retries like a single one.
 * @returns how many updates matched a document
 */
export async function bulkUpdate<T extends mongo.Document>(
  collection: mongo.Collection<T>,
  updates: readonly mongo.UpdateOneModel<T>[],
): Promise<number> {
  if (updates.length === 0) return 0;
  const operations = updates.map((updateOne) => ({ updateOne }));
  const result = await orUnavailable(() => collection.bulkWrite(operations, { ordered: false }));
  return result.matchedCount;
}
