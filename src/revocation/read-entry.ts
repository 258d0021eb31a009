import type { RevocationEntry, RevocationKey } from '../core/ports.js';
import { isDate } from '../core/value-kinds.js';
import type { Revocation } from './revocation.schema.js';

/** The last moment that a `Date` can hold. */
const FOREVER = new Date(8.64e15);

/** Null if the document is no revocation. One whose end cannot be read stays in force: its token must not be good again. */
export function readEntry({ _id, expiresAt }: Pick<Revocation, '_id' | 'expiresAt'>): RevocationEntry | null {
  if (typeof _id !== 'string') return null;
  return { key: _id as RevocationKey, expiresAt: isDate(expiresAt) ? expiresAt : FOREVER };
}
