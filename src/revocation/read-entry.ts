import type { RevocationEntry, RevocationKey } from '../core/ports.js';
import { isDate } from '../core/value-kinds.js';
import type { Revocation } from './revocation.schema.js';

/** The latest time that a `Date` can represent. */
const FOREVER = new Date(8.64e15);

/** Null if the document is not a revocation. One with an unreadable expiry never expires, so its token cannot become valid again. */
export function readEntry({ _id, expiresAt }: Pick<Revocation, '_id' | 'expiresAt'>): RevocationEntry | null {
  if (typeof _id !== 'string') return null;
  return { key: _id as RevocationKey, expiresAt: isDate(expiresAt) ? expiresAt : FOREVER };
}
