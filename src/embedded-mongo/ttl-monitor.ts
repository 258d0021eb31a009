import type { OrderedIndex } from './ordered-index.js';
import type { Store } from './store.js';
import { typeRank } from './values.js';

const DATE_RANK = typeRank(new Date());

/** Removes what TTL indexes say has expired. Values that are not dates never expire. */
export function removeExpired(store: Store, now: number): void {
  for (const collection of [...store.allCollections()]) {
    for (const index of collection.indexes) {
      if (index.spec.expireAfterSeconds === undefined) continue;
      for (const record of expiredBy(index, now - index.spec.expireAfterSeconds * 1000)) {
        // With an array of dates the same document may have expired several times over.
        if (!record.removed) store.remove(collection, record);
      }
    }
  }
}

function expiredBy(index: OrderedIndex, limit: number) {
  const [direction = 1] = index.directions;
  const records = index.scan(([value]) => {
    const type = typeRank(value) - DATE_RANK;
    if (type !== 0) return type * direction;
    return (value as Date).getTime() <= limit ? 0 : direction;
  });
  // As a list, since removing changes the index under the scan.
  return [...records];
}
