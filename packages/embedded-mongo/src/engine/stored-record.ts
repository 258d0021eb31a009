import type { Document } from './values.js';

/** A stored document and its position. A write replaces the document and never changes it. */
export interface StoredRecord {
  readonly id: number;
  doc: Document;
  bytes: number;
  removed: boolean;
}
