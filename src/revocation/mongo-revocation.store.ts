import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import { Model } from 'mongoose';
import type { RevocationEntry, RevocationKey, RevocationMark, RevocationStore } from '../core/ports.js';
import { orUnavailable } from '../database/unavailable.js';
import { ensureIndexes } from '../database/ensure-indexes.js';
import { nativeCollection } from '../database/native-collection.js';
import { REVOCATION_MODEL, Revocation } from './revocation.schema.js';

/**
 * Writes of several processes become visible out of the order of their timestamps; reading again what is this old
 * leaves none out.
 */
const OVERLAP_MS = 10_000;

/** Shares revocations through a TTL collection, read by server-set timestamp. */
@Injectable()
export class MongoRevocationStore implements RevocationStore, OnModuleInit {
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
}
