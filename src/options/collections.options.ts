import type { OptionReader } from './option-reader.js';

/** Names of the collections. */
export interface CollectionOptions {
  /**
   * Users. An existing collection can be used; see `users.fields`.
   * @default 'users'
   */
  users?: string;
  /**
   * Sessions, one document each.
   * @default 'refresh_tokens'
   */
  refreshTokens?: string;
  /**
   * Revoked access tokens, until they expire.
   * @default 'revocations'
   */
  revocations?: string;
  /**
   * Tokens of mailed links, as hashes.
   * @default 'action_tokens'
   */
  actionTokens?: string;
  /**
   * Counters of attempts.
   * @default 'throttle'
   */
  throttle?: string;
  /**
   * Rows of the audit log.
   * @default 'security_events'
   */
  securityEvents?: string;
  /**
   * Counters of the audit log, by day.
   * @default 'security_daily'
   */
  securityDaily?: string;
}

/** The resolved names of the collections. */
export type CollectionNames = Readonly<Required<CollectionOptions>>;

export const DEFAULT_COLLECTIONS: CollectionNames = {
  users: 'users',
  refreshTokens: 'refresh_tokens',
  revocations: 'revocations',
  actionTokens: 'action_tokens',
  throttle: 'throttle',
  securityEvents: 'security_events',
  securityDaily: 'security_daily',
};

/** What every kind of MongoDB server accepts. */
const COLLECTION_NAME = /^(?!system\.|\.)[^$\0]{1,100}(?<!\.)$/;

export function readCollections(read: OptionReader<CollectionOptions>): CollectionNames {
  return read.distinctNames(
    DEFAULT_COLLECTIONS,
    COLLECTION_NAME,
    "give the name of a collection: 1 to 100 characters without $, not beginning with 'system.'",
  );
}
