/** One index, as a server reports it or a schema declares it. */
export interface IndexDescription {
  /** Fields and directions, in their order. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly unique?: boolean | undefined;
  readonly expireAfterSeconds?: number | undefined;
  readonly sparse?: boolean | undefined;
  readonly partialFilterExpression?: unknown;
  /** Its name, if a server reported it. */
  readonly name?: string | undefined;
}

/** One index of a collection, as it should be and as it is. */
export interface IndexState {
  readonly collection: string;
  /** Its keys, such as `{ expiresAt: 1 }`. */
  readonly index: string;
  /** Whether it is a TTL index: the database removes expired documents with it. */
  readonly isTtl: boolean;
  /** `different`: an index has the same keys but other options, see `found`. */
  readonly state: 'ok' | 'missing' | 'different';
  readonly found: string | null;
  /** TTL index only: milliseconds since the oldest expired document should have been removed; 0 if there is none. */
  readonly overdueMs: number | null;
}

/** Compares a wanted index with the existing ones. Does not set `overdueMs`, which needs a query. */
export function stateOfIndex(
  collection: string,
  wanted: IndexDescription,
  present: readonly IndexDescription[],
): IndexState {
  const keys = keysOf(wanted);
  const candidates = present.filter((index) => keysOf(index) === keys);
  const isThere = candidates.some((index) => optionsOf(index) === optionsOf(wanted));
  const [found] = candidates;
  const stateElse = found ? 'different' : 'missing';
  return {
    collection,
    index: keys,
    isTtl: wanted.expireAfterSeconds !== undefined,
    state: isThere ? 'ok' : stateElse,
    found: isThere || !found ? null : optionsOf(found),
    overdueMs: null,
  };
}

export function keysOf({ key }: Pick<IndexDescription, 'key'>): string {
  const fields = Object.entries(key).map(([field, direction]) => `${field}: ${String(direction)}`);
  return `{ ${fields.join(', ')} }`;
}

/** The options that make indexes with the same keys behave differently, in words. */
export function optionsOf({
  unique,
  expireAfterSeconds,
  sparse,
  partialFilterExpression,
}: IndexDescription): string {
  const options = [
    ...(unique ? ['unique'] : []),
    ...(expireAfterSeconds === undefined ? [] : [`expires after ${expireAfterSeconds} s`]),
    ...(sparse ? ['sparse'] : []),
    ...(partialFilterExpression === undefined ? [] : [`only ${JSON.stringify(partialFilterExpression)}`]),
  ];
  return options.length > 0 ? options.join(', ') : 'no options';
}
