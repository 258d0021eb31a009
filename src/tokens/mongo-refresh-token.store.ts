import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import { Model, Types } from 'mongoose';
import { MAX_PREDECESSORS, MAX_RECENT_USES, type RevocationReason } from '../core/rotation.js';
import { orUnavailable } from '../core/unavailable.js';
import { ensureIndexes } from '../database/ensure-indexes.js';
import { nativeCollection } from '../database/native-collection.js';
import { REFRESH_TOKEN_MODEL, RefreshToken } from './refresh-token.schema.js';
import type { RefreshSession, RefreshTokenStore, RotationCommand } from './refresh-token.store.js';

/** Keeps sessions in the `refresh_tokens` collection of the host's connection. */
@Injectable()
export class MongoRefreshTokenStore implements RefreshTokenStore, OnModuleInit {
  constructor(@InjectModel(REFRESH_TOKEN_MODEL) private readonly model: Model<RefreshToken>) {}

  /** The TTL index must stand before the first session. */
  async onModuleInit(): Promise<void> {
    await ensureIndexes(this.model);
  }

  newId(): string {
    return new Types.ObjectId().toHexString();
  }

  async create(session: RefreshSession): Promise<void> {
    const { id, predecessors, recentUses, ...rest } = session;
    const row = {
      _id: new Types.ObjectId(id),
      ...rest,
      predecessors: [...predecessors],
      recentUses: [...recentUses],
    };
    await orUnavailable(() => this.sessions.insertOne(row));
  }

  async rotate(command: RotationCommand): Promise<RefreshSession | null> {
    const { now, expiresAt } = command;
    const row = await orUnavailable(() =>
      this.sessions.findOneAndUpdate(
        {
          _id: new Types.ObjectId(command.sessionId),
          tokenHash: command.ifTokenHash,
          absoluteExpiresAt: command.ifAbsoluteExpiresAt,
          revokedAt: null,
          expiresAt: { $gt: now },
        },
        {
          $set: {
            tokenHash: command.tokenHash,
            rotatedAt: now,
            confirmedAt: null,
            recoveredAt: null,
            lastUsedAt: now,
            ...(expiresAt ? { expiresAt } : {}),
          },
          $inc: { generation: 1 },
          $push: {
            predecessors: { $each: [command.predecessor], $slice: -MAX_PREDECESSORS },
            recentUses: { $each: [command.use], $slice: -MAX_RECENT_USES },
          },
        },
        { returnDocument: 'after' },
      ),
    );
    return row && toSession(row);
  }

  async findById(id: string): Promise<RefreshSession | null> {
    const row = await orUnavailable(() => this.sessions.findOne({ _id: new Types.ObjectId(id) }));
    return row && toSession(row);
  }

  async findLive(userId: string, now: Date): Promise<RefreshSession[]> {
    const rows = await orUnavailable(() =>
      this.sessions.find(live(userId, now), { sort: LATEST_USE_FIRST }).toArray(),
    );
    return rows.map(toSession);
  }

  async hasDevice(userId: string, deviceId: string): Promise<boolean> {
    const filter = { userId, 'device.deviceId': deviceId };
    return (await orUnavailable(() => this.sessions.findOne(filter, { projection: { _id: 1 } }))) !== null;
  }

  async findBeyondCap(userId: string, cap: number, now: Date): Promise<string[]> {
    const rows = await orUnavailable(() =>
      this.sessions
        .find(live(userId, now), { sort: LATEST_USE_FIRST, skip: cap, projection: { _id: 1 } })
        .toArray(),
    );
    return rows.map(({ _id }) => _id.toHexString());
  }

  async confirm(id: string, generation: number, now: Date): Promise<void> {
    await this.updateGeneration(id, generation, 'confirmedAt', now);
  }

  async markRecovered(id: string, generation: number, now: Date): Promise<void> {
    await this.updateGeneration(id, generation, 'recoveredAt', now);
  }

  async revoke(ids: readonly string[], reason: RevocationReason, now: Date): Promise<number> {
    const filter = { _id: { $in: ids.map((id) => new Types.ObjectId(id)) }, revokedAt: null };
    const { modifiedCount } = await orUnavailable(() =>
      this.sessions.updateMany(filter, { $set: { revokedAt: now, revokedReason: reason } }),
    );
    return modifiedCount;
  }

  private get sessions() {
    return nativeCollection(this.model);
  }

  /** Sets a time once per generation: only while it is the current one, and only the first time. */
  private async updateGeneration(
    id: string,
    generation: number,
    field: 'confirmedAt' | 'recoveredAt',
    now: Date,
  ) {
    const filter = { _id: new Types.ObjectId(id), generation, [field]: null };
    await orUnavailable(() => this.sessions.updateOne(filter, { $set: { [field]: now } }));
  }
}

const LATEST_USE_FIRST = { lastUsedAt: -1, _id: -1 } as const;

function live(userId: string, now: Date) {
  return { userId, revokedAt: null, expiresAt: { $gt: now } };
}

function toSession({ _id, ...rest }: RefreshToken): RefreshSession {
  return { id: _id.toHexString(), ...rest };
}
