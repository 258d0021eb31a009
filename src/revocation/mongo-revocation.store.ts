import { Logger, type OnModuleInit } from '@nestjs/common';
import type { Model } from 'mongoose';
import type {
  RevocationEntry,
  RevocationKey,
  RevocationMark,
  RevocationObserver,
  RevocationStore,
  RevocationWatch,
} from '../core/ports.js';
import { isDate } from '../core/value-kinds.js';
import { bulkUpdate } from '../database/bulk-update.js';
import { DamagedRows } from '../database/damaged-rows.js';
import type { IndexRegistry } from '../database/index-registry.js';
import { nativeCollection } from '../database/native-collection.js';
import { orUnavailable } from '../database/unavailable.js';
import { MongoRevocationWatch } from './mongo-revocation.watch.js';
import { readEntry } from './read-entry.js';
import type { Revocation } from './revocation.schema.js';

/** Writes can become visible later than writes with newer timestamps, so each read overlaps the previous one by this much. */
const OVERLAP_MS = 10_000;

/** A change stream occupies a connection; if it were the only one, all other commands would wait. */
const LEAST_POOL_SIZE = 2;

/** Shares revocations through a TTL collection: read by the server's timestamps, followed by a change stream. */
export class MongoRevocationStore implements RevocationStore, OnModuleInit {
  private readonly logger = new Logger('MongoRevocationStore');
  private readonly damaged: DamagedRows;

  constructor(
    private readonly model: Model<Revocation>,
    private readonly indexes: IndexRegistry,
  ) {
    this.damaged = new DamagedRows(model.collection.collectionName);
  }

  async onModuleInit(): Promise<void> {
    await this.indexes.build(this.model);
  }

  async add(entries: readonly RevocationEntry[]): Promise<void> {
    const updates = entries.map(({ key, expiresAt }) => ({
      filter: { _id: key },
      // An earlier expiry must not replace a later one.
      update: { $max: { expiresAt }, $currentDate: { at: true } } as const,
      upsert: true,
    }));
    await bulkUpdate(nativeCollection(this.model), updates);
  }

  async read(since: RevocationMark | null): Promise<{ entries: RevocationEntry[]; mark: RevocationMark }> {
    const filter = since ? { at: { $gte: new Date(since.at.getTime() - OVERLAP_MS) } } : {};
    const rows = await orUnavailable(() =>
      nativeCollection(this.model)
        .find(filter, { sort: { at: 1 } })
        .toArray(),
    );
    const newest = rows.findLast(({ at }) => isDate(at))?.at ?? since?.at ?? new Date(0);
    return { entries: this.damaged.readAll(rows, readEntry), mark: { at: newest } };
  }

  async hasAny(keys: readonly RevocationKey[]): Promise<boolean> {
    const query = { _id: { $in: [...keys] } };
    const found = await orUnavailable(() =>
      nativeCollection(this.model).findOne(query, { projection: { _id: 1 } }),
    );
    return found !== null;
  }

  /** Opens a change stream; null on servers that are neither a replica set nor a sharded cluster. */
  async watch(observer: RevocationObserver): Promise<RevocationWatch | null> {
    // A pool of size 0 has no limit.
    const { maxPoolSize = 0, serverMonitoringMode } = this.model.db.getClient().options;
    if (maxPoolSize > 0 && maxPoolSize < LEAST_POOL_SIZE)
      return this.cannotWatch(`maxPoolSize is ${maxPoolSize}`);
    try {
      return await orUnavailable(async () => {
        const collection = nativeCollection(this.model);
        const hello = await this.model.db.db?.admin().command({ hello: 1 });
        if (!hello?.['setName'] && hello?.['msg'] !== 'isdbgrid')
          return this.cannotWatch('it is not a replica set');
        const streams = hello['topologyVersion'] !== undefined && serverMonitoringMode !== 'poll';
        return MongoRevocationWatch.open(collection, observer, streams);
      });
    } catch (error) {
      // An error from a server that answers is final: no replica set, no permission, not implemented.
      if (!isServerError(error)) throw error;
      return this.cannotWatch(error.message);
    }
  }

  private cannotWatch(reason: string): null {
    this.logger.log(`no change stream on this server: ${reason}`);
    return null;
  }
}

function isServerError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'MongoServerError';
}
