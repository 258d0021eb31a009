import type { Document } from './values.js';

/** A document in its place. A write replaces the document and never changes it. */
export interface StoredRecord {
  readonly id: number;
  doc: Document;
  bytes: number;
  removed: boolean;
}
