import type { OnModuleInit } from '@nestjs/common';
import type { Model } from 'mongoose';
import type { ActionToken } from '../core/action-token.js';
import { ensureIndexes } from '../database/ensure-indexes.js';
import { nativeCollection } from '../database/native-collection.js';
import { orUnavailable } from '../database/unavailable.js';
import type { ActionTokenRow } from './action-token.schema.js';
import type { ActionTokenStore } from './action-token.store.js';

/** Keeps tokens that went out by mail in the `action_tokens` collection of the host's connection. */
export class MongoActionTokenStore implements ActionTokenStore, OnModuleInit {
  constructor(
    private readonly model: Model<ActionTokenRow>,
    /** Where no mail goes out the collection is never made. */
    private readonly isUsed: boolean,
  ) {}

  async onModuleInit(): Promise<void> {
    if (this.isUsed) await ensureIndexes(this.model);
  }

  async add({ hash, ...rest }: ActionToken): Promise<void> {
    await orUnavailable(() => nativeCollection(this.model).insertOne({ _id: hash, ...rest }));
  }

  async find(hash: string): Promise<ActionToken | null> {
    const row = await orUnavailable(() => nativeCollection(this.model).findOne({ _id: hash }));
    if (!row) return null;
    const { _id, kind, userId, binding, expiresAt } = row;
    return { hash: _id, kind, userId, binding, expiresAt };
  }

  async remove(hash: string): Promise<boolean> {
    const { deletedCount } = await orUnavailable(() => nativeCollection(this.model).deleteOne({ _id: hash }));
    return deletedCount === 1;
  }
}
