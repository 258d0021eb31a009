import type { OrderedIndex } from './ordered-index.js';
import type { Store } from './store.js';
import type { StoredRecord } from './stored-record.js';
import { typeRank } from './values.js';

const DATE_RANK = typeRank(new Date());

/** Removes the documents that have expired by a TTL index. Values that are not dates never expire. */
export function removeExpired(store: Store, now: number): void {
  for (const collection of [...store.allCollections()]) {
    for (const index of collection.indexes) {
      const { expireAfterSeconds } = index.spec;
      const expired =
        expireAfterSeconds === undefined ? [] : expiredBy(index, now - expireAfterSeconds * 1000);
      for (const record of expired) store.remove(collection, record);
    }
  }
}

function expiredBy(index: OrderedIndex, limit: number): StoredRecord[] {
  const [direction = 1] = index.directions;
  const records = index.scan(([value]) => {
    const type = typeRank(value) - DATE_RANK;
    if (type !== 0) return type * direction;
    return (value as Date).getTime() <= limit ? 0 : direction;
  });
  // A copy: removing documents changes the index that is scanned.
  return [...records];
}
