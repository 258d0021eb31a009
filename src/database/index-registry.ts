import type { Connection, Model, mongo } from 'mongoose';
import { DUPLICATE_KEY } from '../core/limits.js';
import { type IndexDescription, keysOf, optionsOf } from './index-state.js';
import { indexesOf } from './library-model.js';
import { durableCollection } from './native-collection.js';

/** MongoDB's error codes for an index that exists under the same name or keys with other options. */
const INDEX_CONFLICTS: readonly unknown[] = [85, 86];

/** A collection and the indexes that it needs. */
export interface ExpectedIndexes {
  readonly collection: string;
  readonly indexes: readonly IndexDescription[];
}

/** The indexes of the collections in use. Stores register theirs when they start. */
export class IndexRegistry {
  private readonly expected = new Map<string, ExpectedIndexes>();

  /** The registered indexes, by collection. */
  get all(): ExpectedIndexes[] {
    return [...this.expected.values()].sort((a, b) => a.collection.localeCompare(b.collection));
  }

  /** Registers indexes that are built elsewhere. */
  register(expected: ExpectedIndexes): void {
    this.expected.set(expected.collection, expected);
  }

  /**
   * Registers a model's indexes, and builds them unless the connection has `autoIndex: false`. Mongoose must not do it here,
   * because a store that the host replaces must create nothing in the host's database, and because a global plugin of the host
   * may have added indexes that the library never uses.
   * @param indexes if they differ from those of the schema
   */
  async build<T>(model: Model<T>, indexes = indexesOf(model)): Promise<void> {
    const { collectionName } = model.collection;
    await this.ensure(model.db, { collection: collectionName, indexes });
  }

  /** Registers and builds the indexes of a collection without a model. */
  async ensure(connection: Connection, expected: ExpectedIndexes): Promise<void> {
    this.register(expected);
    if (!buildsIndexes(connection)) return;
    await connection.asPromise();
    for (const index of expected.indexes) await buildIndex(connection, expected.collection, index);
  }
}

async function buildIndex(
  connection: Connection,
  name: string,
  { key, ...options }: IndexDescription,
): Promise<void> {
  const collection = durableCollection(connection, name);
  try {
    await collection.createIndex(key as IndexKeys, options as mongo.CreateIndexesOptions);
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code === DUPLICATE_KEY)
      throw new Error(
        `The collection '${name}' holds documents of another application, or several with the same ${Object.keys(key).join(' and ')}. ` +
          `Choose another name (collections) or connection (connectionName), or pass a store of your own; ` +
          `to keep the users of an existing collection, see 'migrate-users'.`,
        { cause },
      );
    if (!INDEX_CONFLICTS.includes(code)) throw cause;
    const keys = keysOf({ key });
    const present = (await collection.indexes()).find((index) => keysOf(index) === keys);
    // It refuses the same duplicates as ours, whatever its other options are.
    if (
      present?.unique &&
      options.unique &&
      options.expireAfterSeconds === undefined &&
      !present.sparse &&
      !present['partialFilterExpression']
    )
      return;
    throw new Error(
      `The collection '${name}' has an index ${keys} with ${present ? optionsOf(present) : 'another meaning'}, the library needs ` +
        `${optionsOf({ key, ...options })}. Drop it: the next start builds the right one.`,
      { cause },
    );
  }
}

type IndexKeys = Readonly<Record<string, mongo.IndexDirection>>;

/** Whether the host lets the application build indexes when it starts. */
export function buildsIndexes(connection: Connection): boolean {
  return connection.get('autoIndex') !== false;
}
