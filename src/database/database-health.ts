import { type Connection, type mongo, Types } from 'mongoose';
import type { Clock } from '../core/ports.js';
import { buildsIndexes, type ExpectedIndexes, type IndexRegistry } from './index-registry.js';
import { type IndexDescription, type IndexState, keysOf, stateOfIndex } from './index-state.js';
import { orUnavailable } from './unavailable.js';

const NAMESPACE_NOT_FOUND = 26;

/** The answer of a server to `hello`. */
interface Hello {
  readonly setName?: string;
  readonly msg?: string;
  readonly localTime: Date;
  readonly topologyVersion?: unknown;
}

/** Kind and clock of the database. */
export interface DatabaseServer {
  readonly kind: 'standalone' | 'replica set' | 'sharded cluster';
  /** How many milliseconds this machine's clock is ahead of the database's; negative if it is behind. */
  readonly clockLeadMs: number;
}

/** An index that the library did not declare, on a collection that it uses. */
export interface ForeignIndex {
  readonly collection: string;
  readonly name: string;
  /** Its keys, such as `{ username: 1 }`. */
  readonly index: string;
  readonly isUnique: boolean;
  /** Sparse or partial: documents without the field do not count. */
  readonly isPartial: boolean;
}

/** Documents that the library did not write, among the oldest in a collection whose documents expire. */
export interface ForeignDocuments {
  readonly collection: string;
  readonly found: number;
  readonly lookedAt: number;
}

/** Maximum number of documents that are read per collection. */
const SAMPLE = 100;

/** Facts about the database for operators: its kind, its clock, and the state of each index. */
export class DatabaseHealth {
  constructor(
    private readonly connection: Connection,
    private readonly clock: Clock,
    private readonly registry: IndexRegistry,
  ) {}

  /** @throws AuthError `TEMPORARILY_UNAVAILABLE` */
  async server(): Promise<DatabaseServer> {
    const before = Date.now();
    const { setName, msg, localTime } = await this.hello();
    const after = Date.now();
    return {
      kind: kindOf(setName, msg),
      clockLeadMs: Math.round((before + after) / 2) - localTime.getTime(),
    };
  }

  /**
   * The state of each index that the collections in use need. A few commands per collection, whatever its size.
   * @throws AuthError `TEMPORARILY_UNAVAILABLE`
   */
  async indexes(): Promise<IndexState[]> {
    const startedAt = startOf(await this.hello());
    const states = await Promise.all(this.expected().map((expected) => this.statesOf(expected, startedAt)));
    return states.flat();
  }

  /** Indexes on the collections in use that the library did not build. @throws AuthError `TEMPORARILY_UNAVAILABLE` */
  async foreignIndexes(): Promise<ForeignIndex[]> {
    const found = await Promise.all(
      this.expected().map(async ({ collection, indexes }) => {
        const wanted = new Set(['{ _id: 1 }', ...indexes.map(keysOf)]);
        const present = await orUnavailable(() => this.presentIn(collection));
        return present
          .filter((index) => !wanted.has(keysOf(index)))
          .map((index) => ({
            collection,
            name: index.name ?? keysOf(index),
            index: keysOf(index),
            isUnique: index.unique === true,
            isPartial: index.sparse === true || index.partialFilterExpression !== undefined,
          }));
      }),
    );
    return found.flat();
  }

  /**
   * Foreign documents in the collections whose documents expire, recognised by a missing expiry date. Reads the oldest hundred
   * of each collection.
   * @throws AuthError `TEMPORARILY_UNAVAILABLE`
   */
  async foreignDocuments(): Promise<ForeignDocuments[]> {
    const found = await Promise.all(
      this.expected().map(async ({ collection, indexes }) => {
        const ttl = indexes.find(({ expireAfterSeconds }) => expireAfterSeconds !== undefined);
        const [field] = Object.keys(ttl?.key ?? {});
        if (field === undefined) return [];
        const query = { sort: { _id: 1 }, limit: SAMPLE, projection: { [field]: 1 } } as const;
        const rows = await orUnavailable(() => this.db.collection(collection).find({}, query).toArray());
        const foreign = rows.filter((row) => !(row[field] instanceof Date));
        return foreign.length > 0 ? [{ collection, found: foreign.length, lookedAt: rows.length }] : [];
      }),
    );
    return found.flat();
  }

  /** Names of the collections. @throws AuthError `TEMPORARILY_UNAVAILABLE` */
  async collections(): Promise<string[]> {
    return orUnavailable(async () => {
      const collections = await this.db.listCollections({}, { nameOnly: true }).toArray();
      return collections.map(({ name }) => name);
    });
  }

  /** Whether the application builds missing indexes when it starts. */
  get buildsIndexes(): boolean {
    return buildsIndexes(this.connection);
  }

  /** The indexes that the collections in use need. */
  expected(): ExpectedIndexes[] {
    return this.registry.all;
  }

  private async hello(): Promise<Hello> {
    return orUnavailable(async () => (await this.db.admin().command({ hello: 1 })) as Hello);
  }

  private async statesOf({ collection, indexes }: ExpectedIndexes, startedAt: number): Promise<IndexState[]> {
    return orUnavailable(async () => {
      const present = await this.presentIn(collection);
      const states = indexes.map(async (wanted) => {
        const state = stateOfIndex(collection, wanted, present);
        // Without the index, this query would read the whole collection.
        const isAnswerable = state.isTtl && state.state !== 'missing';
        return isAnswerable
          ? { ...state, overdueMs: await this.overdue(collection, wanted, startedAt) }
          : state;
      });
      return Promise.all(states);
    });
  }

  private async presentIn(collection: string): Promise<IndexDescription[]> {
    try {
      return await this.db.collection(collection).indexes();
    } catch (error) {
      if ((error as { code?: unknown }).code === NAMESPACE_NOT_FOUND) return [];
      throw error;
    }
  }

  private async overdue(
    collection: string,
    { key, expireAfterSeconds = 0 }: IndexDescription,
    startedAt: number,
  ): Promise<number> {
    const [field = ''] = Object.keys(key);
    const first = await this.db
      .collection(collection)
      // Null sorts before dates and never expires.
      .findOne(
        { [field]: { $gt: new Date(0) } },
        { sort: { [field]: 1 }, projection: { _id: 0, [field]: 1 } },
      );
    const expiresAt: unknown = first?.[field];
    if (!(expiresAt instanceof Date)) return 0;
    // Documents that expired while the server was down are overdue since its start.
    const waitsSince = Math.max(startedAt, expiresAt.getTime() + expireAfterSeconds * 1000);
    return Math.max(0, this.clock.now() - waitsSince);
  }

  private get db(): mongo.Db {
    const { db } = this.connection;
    if (!db) throw new Error('the database connection is not open yet');
    return db;
  }
}

/** When the server started, in milliseconds, precise to a second; 0 if unknown. */
export function startOf({ topologyVersion }: Pick<Hello, 'topologyVersion'>): number {
  const { processId } = Object(topologyVersion) as { processId?: unknown };
  return processId instanceof Types.ObjectId ? processId.getTimestamp().getTime() : 0;
}

function kindOf(setName: string | undefined, msg: string | undefined): DatabaseServer['kind'] {
  if (msg === 'isdbgrid') return 'sharded cluster';
  return setName === undefined ? 'standalone' : 'replica set';
}
