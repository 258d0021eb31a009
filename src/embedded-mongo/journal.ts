import type { WriteIdentity } from './retryable-writes.js';
import type { Change } from './store.js';
import type { Document } from './values.js';

export interface Journal {
  append(changes: readonly Change[], write?: { identity: WriteIdentity; reply: Document }): void;
  close(): void;
}
