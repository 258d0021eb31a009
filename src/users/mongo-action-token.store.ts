import type { OnModuleInit } from '@nestjs/common';
import type { Model } from 'mongoose';
import type { ActionToken } from '../core/action-token.js';
import { isDate } from '../core/value-kinds.js';
import { DamagedRows } from '../database/damaged-rows.js';
import type { IndexRegistry } from '../database/index-registry.js';
import { nativeCollection } from '../database/native-collection.js';
import { orUnavailable } from '../database/unavailable.js';
import type { ActionTokenRow } from './action-token.schema.js';
import type { ActionTokenStore } from './action-token.store.js';

/** Keeps single-use tokens in the `action_tokens` collection of the host's connection. */
export class MongoActionTokenStore implements ActionTokenStore, OnModuleInit {
  private readonly damaged: DamagedRows;
  private built: Promise<void> | null = null;

  constructor(
    private readonly model: Model<ActionTokenRow>,
    private readonly indexes: IndexRegistry,
    /** Without a mailer, the collection is created with the first ticket, if there is ever one. */
    private readonly isNeededAtBoot: boolean,
  ) {
    this.damaged = new DamagedRows(model.collection.collectionName);
  }

  async onModuleInit(): Promise<void> {
    if (this.isNeededAtBoot) await this.buildIndexes();
  }

  async add({ hash, ...rest }: ActionToken): Promise<void> {
    await this.buildIndexes();
    await orUnavailable(() => nativeCollection(this.model).insertOne({ _id: hash, ...rest }));
  }

  private buildIndexes(): Promise<void> {
    return (this.built ??= this.indexes.build(this.model).catch((error: unknown) => {
      this.built = null;
      throw error;
    }));
  }

  async find(hash: string): Promise<ActionToken | null> {
    const row = await orUnavailable(() => nativeCollection(this.model).findOne({ _id: hash }));
    return this.damaged.read(row, readToken);
  }

  async remove(hash: string): Promise<boolean> {
    const { deletedCount } = await orUnavailable(() => nativeCollection(this.model).deleteOne({ _id: hash }));
    return deletedCount === 1;
  }

  async removeOfUser(userId: string): Promise<void> {
    await orUnavailable(() => nativeCollection(this.model).deleteMany({ userId }));
  }
}

/** Null if the document is not a token. */
function readToken({ _id: hash, kind, userId, binding, expiresAt }: ActionTokenRow): ActionToken | null {
  const isSound =
    [hash, kind, userId, binding].every((text) => typeof text === 'string') && isDate(expiresAt);
  return isSound ? { hash, kind, userId, binding, expiresAt } : null;
}
