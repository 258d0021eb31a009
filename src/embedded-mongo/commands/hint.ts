import type { Collection } from '../collection.js';
import { badValue, failedToParse, notImplemented } from '../errors.js';
import { sameKeyPattern } from '../index-conflicts.js';
import { impliesPartialFilter } from '../index-choice.js';
import { type Document, isDocument } from '../values.js';

/**
 * A hint names an index, which must exist. It is not followed, since any plan finds the same documents;
 * except with an index that leaves documents out, where MongoDB would leave them out of the answer.
 */
export function checkHint(collection: Collection | undefined, hint: unknown, filter: Document): void {
  if (hint === undefined || (isDocument(hint) && Object.keys(hint).length === 0)) return;
  if (typeof hint !== 'string' && !isDocument(hint))
    throw failedToParse('Hint must be a string or an object');
  if (!collection) return;
  if (isDocument(hint) && Object.hasOwn(hint, '$natural')) throw notImplemented('A hint of $natural');
  const index = collection.indexes.find(({ spec }) =>
    typeof hint === 'string' ? spec.name === hint : sameKeyPattern(spec.key, hint),
  );
  if (!index) throw badValue('error processing query: planner returned error: bad hint');
  if (index.spec.sparse || !impliesPartialFilter(index, filter)) {
    throw notImplemented('A hint of an index that leaves out documents');
  }
}
