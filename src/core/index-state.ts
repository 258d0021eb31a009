/** One index as a server tells of it, or as a schema asks for it. */
export interface IndexDescription {
  /** Fields and directions, in their order. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly unique?: boolean | undefined;
  readonly expireAfterSeconds?: number | undefined;
  readonly sparse?: boolean | undefined;
  readonly partialFilterExpression?: unknown;
}

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

/** Compares an index that should be there with all that are. `overdueMs` is for who can ask the database. */
export function stateOfIndex(
  collection: string,
  wanted: IndexDescription,
  present: readonly IndexDescription[],
): IndexState {
  const keys = keysOf(wanted);
  const candidates = present.filter((index) => keysOf(index) === keys);
  const isThere = candidates.some((index) => optionsOf(index) === optionsOf(wanted));
  const [found] = candidates;
  return {
    collection,
    index: keys,
    isTtl: wanted.expireAfterSeconds !== undefined,
    state: isThere ? 'ok' : found ? 'different' : 'missing',
    found: isThere || !found ? null : optionsOf(found),
    overdueMs: null,
  };
}

export function keysOf({ key }: IndexDescription): string {
  const fields = Object.entries(key).map(([field, direction]) => `${field}: ${String(direction)}`);
  return `{ ${fields.join(', ')} }`;
}

/** What makes two indexes of the same keys behave differently, in words. */
function optionsOf({
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
