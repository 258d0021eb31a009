/** One index of a collection, as it should be and as it is. */
export interface IndexState {
  readonly collection: string;
  /** Its keys, such as `{ expiresAt: 1 }`. */
  readonly index: string;
  /** Whether it is one by which the database removes what has expired. */
  readonly isTtl: boolean;
  /** `different`: there is one of these keys with other options, told by `found`. */
  readonly state: 'ok' | 'missing' | 'different';
  readonly found: string | null;
  /** Of a TTL index: for how many milliseconds the document that expired first has waited to be removed; 0 where none has. */
  readonly overdueMs: number | null;
}
