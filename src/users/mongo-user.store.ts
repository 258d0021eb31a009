import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import { Model, Types } from 'mongoose';
import { AuthError } from '../core/errors.js';
import type { NewUser, UserRecord, UserStore } from '../core/ports.js';
import { orUnavailable } from '../database/unavailable.js';
import { ensureIndexes } from '../database/ensure-indexes.js';
import { nativeCollection } from '../database/native-collection.js';
import { USER_MODEL, User } from './user.schema.js';

const DUPLICATE_KEY = 11000;

/** Keeps users in the `users` collection of the host's connection. */
@Injectable()
export class MongoUserStore implements UserStore, OnModuleInit {
  constructor(@InjectModel(USER_MODEL) private readonly model: Model<User>) {}

  /** The unique index on `email` must stand before the first registration. */
  async onModuleInit(): Promise<void> {
    await ensureIndexes(this.model);
  }

  async findById(id: string): Promise<UserRecord | null> {
    const _id = objectId(id);
    return _id && toRecord(await orUnavailable(() => this.users.findOne<User>({ _id })));
  }

  async findByEmail(email: string): Promise<UserRecord | null> {
    return toRecord(await orUnavailable(() => this.users.findOne<User>({ email })));
  }

  async create(user: NewUser): Promise<UserRecord> {
    const { name, ...rest } = user;
    const row: User = {
      _id: new Types.ObjectId(),
      ...rest,
      ...(name === undefined ? {} : { name }),
      roles: [...user.roles],
      disabledAt: null,
    };
    try {
      await orUnavailable(() => this.users.insertOne({ ...row }));
    } catch (cause) {
      if ((cause as { code?: unknown }).code === DUPLICATE_KEY) throw new AuthError('EMAIL_TAKEN', { cause });
      throw cause;
    }
    return { ...user, id: row._id.toHexString(), disabledAt: null };
  }

  async setPassword(
    id: string,
    change: { passwordHash: string; tokenVersion: string; ifTokenVersion: string },
  ): Promise<boolean> {
    const { passwordHash, tokenVersion, ifTokenVersion } = change;
    return this.update({ _id: objectId(id), tokenVersion: ifTokenVersion }, { passwordHash, tokenVersion });
  }

  async upgradePasswordHash(
    id: string,
    change: { passwordHash: string; ifPasswordHash: string },
  ): Promise<void> {
    await this.update(
      { _id: objectId(id), passwordHash: change.ifPasswordHash },
      { passwordHash: change.passwordHash },
    );
  }

  async replaceTokenVersion(id: string, tokenVersion: string): Promise<string | null> {
    const before = await orUnavailable(() =>
      this.users.findOneAndUpdate(
        { _id: objectId(id) as Types.ObjectId },
        { $set: { tokenVersion } },
        { returnDocument: 'before' },
      ),
    );
    return before ? String(before['tokenVersion']) : null;
  }

  async setDisabledAt(id: string, disabledAt: Date | null): Promise<boolean> {
    return this.update({ _id: objectId(id) }, { disabledAt });
  }

  async setEmailVerifiedAt(id: string, emailVerifiedAt: Date): Promise<void> {
    await this.update({ _id: objectId(id), emailVerifiedAt: null }, { emailVerifiedAt });
  }

  private get users() {
    return nativeCollection(this.model);
  }

  private async update(filter: object, set: Partial<User>): Promise<boolean> {
    const { matchedCount } = await orUnavailable(() => this.users.updateOne(filter, { $set: set }));
    return matchedCount === 1;
  }
}

/** An id of another form belongs to nobody: it must not become an error of the driver. */
function objectId(id: string): Types.ObjectId | null {
  return /^[0-9a-f]{24}$/i.test(id) ? new Types.ObjectId(id) : null;
}

function toRecord(row: User | null): UserRecord | null {
  if (!row) return null;
  return {
    id: row._id.toHexString(),
    email: row.email,
    name: row.name,
    roles: row.roles,
    passwordHash: row.passwordHash,
    tokenVersion: row.tokenVersion,
    disabledAt: row.disabledAt,
    emailVerifiedAt: row.emailVerifiedAt ?? null,
    createdAt: row.createdAt,
  };
}
