import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import { Model } from 'mongoose';
import type {
  RevocationEntry,
  RevocationKey,
  RevocationMark,
  RevocationObserver,
  RevocationStore,
  RevocationWatch,
} from '../core/ports.js';
import { AuthError } from '../core/errors.js';
import { orUnavailable } from '../database/unavailable.js';
import { ensureIndexes } from '../database/ensure-indexes.js';
import { nativeCollection } from '../database/native-collection.js';
import { MongoRevocationWatch } from './mongo-revocation.watch.js';
import { REVOCATION_MODEL, Revocation } from './revocation.schema.js';

/**
 * Writes of several processes become visible out of the order of their timestamps; reading again what is this old
 * leaves none out.
 */
const OVERLAP_MS = 10_000;

/** A change stream waits on a connection of its own: with one connection in all, every other command would wait for it. */
const LEAST_POOL_SIZE = 2;

/** Shares revocations through a TTL collection, read by server-set timestamp and followed by a change stream. */
@Injectable()
export class MongoRevocationStore implements RevocationStore, OnModuleInit {
  private readonly logger = new Logger('MongoRevocationStore');

  constructor(@InjectModel(REVOCATION_MODEL) private readonly model: Model<Revocation>) {}

  async onModuleInit(): Promise<void> {
    await ensureIndexes(this.model);
  }

  async add(entries: readonly RevocationEntry[]): Promise<void> {
    const write = ({ key, expiresAt }: RevocationEntry) =>
      nativeCollection(this.model).updateOne(
        { _id: key },
        // $max: a shorter life written later must not cut a longer one.
        { $max: { expiresAt }, $currentDate: { at: true } },
        { upsert: true },
      );
    await orUnavailable(() => Promise.all(entries.map(write)));
  }

  async read(since: RevocationMark | null): Promise<{ entries: RevocationEntry[]; mark: RevocationMark }> {
    const filter = since ? { at: { $gte: new Date(since.at.getTime() - OVERLAP_MS) } } : {};
    const rows = await orUnavailable(() =>
      nativeCollection(this.model)
        .find(filter, { sort: { at: 1 } })
        .toArray(),
    );
    const newest = rows.at(-1)?.at ?? since?.at ?? new Date(0);
    return {
      entries: rows.map(({ _id, expiresAt }) => ({ key: _id as RevocationKey, expiresAt })),
      mark: { at: newest },
    };
  }

  async hasAny(keys: readonly RevocationKey[]): Promise<boolean> {
    const query = { _id: { $in: [...keys] } };
    const found = await orUnavailable(() =>
      nativeCollection(this.model).findOne(query, { projection: { _id: 1 } }),
    );
    return found !== null;
  }

  /** By a change stream, which a replica set and a sharded cluster have; null on any other server. */
  async watch(observer: RevocationObserver): Promise<RevocationWatch | null> {
    const { maxPoolSize, serverMonitoringMode } = this.model.db.getClient().options;
    if (maxPoolSize !== undefined && maxPoolSize !== 0 && maxPoolSize < LEAST_POOL_SIZE)
      return this.cannotWatch(`maxPoolSize is ${maxPoolSize}`);
    try {
      return await orUnavailable(async () => {
        const collection = nativeCollection(this.model);
        const hello = await this.model.db.db?.admin().command({ hello: 1 });
        if (!hello?.['setName'] && hello?.['msg'] !== 'isdbgrid')
          return this.cannotWatch('it is no replica set');
        const streams = hello['topologyVersion'] !== undefined && serverMonitoringMode !== 'poll';
        return MongoRevocationWatch.open(collection, observer, streams);
      });
    } catch (error) {
      // Whatever a server that answers says against it, it will say again: no replica set, no right, not implemented.
      if (error instanceof AuthError || !isServerError(error)) throw error;
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
