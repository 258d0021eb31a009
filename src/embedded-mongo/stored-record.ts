import type { Document } from './values.js';

/** A document in its place. The document itself is never changed, only exchanged for another. */
export interface StoredRecord {
  readonly id: number;
  doc: Document;
  bytes: number;
  removed: boolean;
}
