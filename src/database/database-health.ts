import { type Connection, type mongo, Types } from 'mongoose';
import { type IndexDescription, type IndexState, stateOfIndex } from '../core/index-state.js';
import type { Clock } from '../core/ports.js';
import { type ExpectedIndexes, expectedIndexes } from './ensure-indexes.js';
import { orUnavailable } from './unavailable.js';

const NAMESPACE_NOT_FOUND = 26;

/** What a server says of itself. */
interface Hello {
  readonly setName?: string;
  readonly msg?: string;
  readonly localTime: Date;
  readonly topologyVersion?: unknown;
}

/** What the database is, as it says of itself. */
export interface DatabaseServer {
  readonly kind: 'standalone' | 'replica set' | 'sharded cluster';
  /** By how many milliseconds this machine's clock is ahead of the database's; negative: behind. */
  readonly clockLeadMs: number;
}

/** What of the database an operator has to know: its kind, its clock, and whether each index that is needed is there. */
export class DatabaseHealth {
  constructor(
    private readonly connection: Connection,
    private readonly clock: Clock,
    /** Of collections that are not Mongoose's. */
    private readonly others: readonly ExpectedIndexes[],
  ) {}

  /** @throws AuthError `TEMPORARILY_UNAVAILABLE` */
  async server(): Promise<DatabaseServer> {
    const before = Date.now();
    const { setName, msg, localTime } = await this.hello();
    const after = Date.now();
    return {
      kind: msg === 'isdbgrid' ? 'sharded cluster' : setName === undefined ? 'standalone' : 'replica set',
      clockLeadMs: Math.round((before + after) / 2) - localTime.getTime(),
    };
  }

  /**
   * Every index that the collections in use need, as it is; costs a few commands for each collection, however full it is.
   * @throws AuthError `TEMPORARILY_UNAVAILABLE`
   */
  async indexes(): Promise<IndexState[]> {
    const startedAt = startOf(await this.hello());
    const states = await Promise.all(this.expected().map((expected) => this.statesOf(expected, startedAt)));
    return states.flat();
  }

  /** Names of what there is. @throws AuthError `TEMPORARILY_UNAVAILABLE` */
  async collections(): Promise<string[]> {
    return orUnavailable(async () => {
      const collections = await this.db.listCollections({}, { nameOnly: true }).toArray();
      return collections.map(({ name }) => name);
    });
  }

  /** Whether the application builds what is missing when it starts. */
  get buildsIndexes(): boolean {
    return this.connection.get('autoIndex') !== false;
  }

  /** The indexes that the collections in use need. */
  expected(): ExpectedIndexes[] {
    const expected = [...expectedIndexes(this.connection), ...this.others];
    return expected.sort((a, b) => a.collection.localeCompare(b.collection));
  }

  private async hello(): Promise<Hello> {
    return orUnavailable(async () => (await this.db.admin().command({ hello: 1 })) as Hello);
  }

  private async statesOf({ collection, indexes }: ExpectedIndexes, startedAt: number): Promise<IndexState[]> {
    return orUnavailable(async () => {
      const present = await this.presentIn(collection);
      const states = indexes.map(async (wanted) => {
        const state = stateOfIndex(collection, wanted, present);
        // Without the index the question would read the whole collection.
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
      // Null sorts before any date, and never expires.
      .findOne(
        { [field]: { $gt: new Date(0) } },
        { sort: { [field]: 1 }, projection: { _id: 0, [field]: 1 } },
      );
    const expiresAt: unknown = first?.[field];
    if (!(expiresAt instanceof Date)) return 0;
    // What expired while the server was down has waited since its start.
    const waitsSince = Math.max(startedAt, expiresAt.getTime() + expireAfterSeconds * 1000);
    return Math.max(0, this.clock.now() - waitsSince);
  }

  private get db(): mongo.Db {
    const { db } = this.connection;
    if (!db) throw new Error('the database connection is not open yet');
    return db;
  }
}

/** When the server was started, in milliseconds, to the second; 0 where it does not tell. */
export function startOf({ topologyVersion }: Pick<Hello, 'topologyVersion'>): number {
  const { processId } = Object(topologyVersion) as { processId?: unknown };
  return processId instanceof Types.ObjectId ? processId.getTimestamp().getTime() : 0;
}
