import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import { Model, type mongo, Types } from 'mongoose';
import { MAX_PREDECESSORS, MAX_RECENT_USES, type RevocationReason } from '../core/rotation.js';
import { orUnavailable } from '../database/unavailable.js';
import { ensureIndexes } from '../database/ensure-indexes.js';
import { nativeCollection } from '../database/native-collection.js';
import { REFRESH_TOKEN_MODEL, RefreshToken } from './refresh-token.schema.js';
import type {
  EndedLogin,
  LiveSessionCount,
  RefreshSession,
  RefreshTokenStore,
  RotationCommand,
  SessionLogin,
} from './refresh-token.store.js';

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

  async hasDevice(userId: string, deviceId: string, tokenVersion?: string): Promise<boolean> {
    const since = tokenVersion === undefined ? {} : { tokenVersion };
    const filter = { userId, 'device.deviceId': deviceId, ...since };
    return (await orUnavailable(() => this.sessions.findOne(filter, { projection: { _id: 1 } }))) !== null;
  }

  async findLogins(userId: string, now: Date): Promise<SessionLogin[]> {
    const rows = await orUnavailable(() =>
      this.sessions.find(live(userId, now), { sort: LATEST_USE_FIRST, projection: LOGIN }).toArray(),
    );
    return rows.map(toLogin);
  }

  async findEndedLogins(userId: string): Promise<EndedLogin[]> {
    const options = { sort: { revokedAt: -1 }, limit: MAX_ENDED_LOGINS, projection: LOGIN } as const;
    const rows = await orUnavailable(() =>
      this.sessions.find({ userId, revokedAt: { $ne: null } }, options).toArray(),
    );
    return rows.map((row) => ({ ...toLogin(row), revokedReason: row.revokedReason }));
  }

  async countLive(now: Date, limit: number): Promise<LiveSessionCount> {
    // By the TTL index, up to a limit: revoked sessions stay until they expire, and may be nearly all of them.
    const unexpired = [{ $match: { expiresAt: { $gt: now } } }, { $limit: limit }];
    const count = async (...stages: object[]) => {
      const [row] = await this.sessions
        .aggregate<{ count: number }>([...unexpired, ...stages, { $count: 'count' }])
        .toArray();
      return row?.count ?? 0;
    };
    const [looked, active] = await orUnavailable(() =>
      Promise.all([count(), count({ $match: { revokedAt: null } })]),
    );
    return { active, isAtLeast: looked === limit };
  }

  async confirm(id: string, generation: number, now: Date): Promise<void> {
    await this.update({ _id: new Types.ObjectId(id), generation, confirmedAt: null }, { confirmedAt: now });
  }

  async markRecovered(id: string, generation: number, now: Date): Promise<void> {
    const filter = { _id: new Types.ObjectId(id), generation, confirmedAt: null, recoveredAt: null };
    await this.update(filter, { recoveredAt: now });
  }

  async replaceFingerprint(id: string, ifFingerprint: string, fingerprint: string): Promise<void> {
    const filter = { _id: new Types.ObjectId(id), 'device.fingerprint': ifFingerprint };
    await this.update(filter, { 'device.fingerprint': fingerprint });
  }

  async revoke(ids: readonly string[], reason: RevocationReason, now: Date): Promise<string[]> {
    const revokeOne = (id: string) =>
      this.update(
        { _id: new Types.ObjectId(id), revokedAt: null },
        { revokedAt: now, revokedReason: reason },
      );
    const revoked = await Promise.all(ids.map(revokeOne));
    return ids.filter((_id, index) => revoked[index]);
  }

  /** Whether there was such a session. */
  private async update(
    filter: mongo.Filter<RefreshToken>,
    set: mongo.MatchKeysAndValues<RefreshToken>,
  ): Promise<boolean> {
    const { matchedCount } = await orUnavailable(() => this.sessions.updateOne(filter, { $set: set }));
    return matchedCount === 1;
  }

  private get sessions() {
    return nativeCollection(this.model);
  }
}

const MAX_ENDED_LOGINS = 100;
/** What tells from where a session began. */
const LOGIN = {
  _id: 1,
  createdAt: 1,
  revokedReason: 1,
  'device.ip': 1,
  'device.userAgent': 1,
  'device.deviceId': 1,
} as const;
const LATEST_USE_FIRST = { lastUsedAt: -1, _id: -1 } as const;

function live(userId: string, now: Date) {
  return { userId, revokedAt: null, expiresAt: { $gt: now } };
}

function toLogin({ _id, createdAt, device: { ip, userAgent, deviceId } }: RefreshToken): SessionLogin {
  return { id: _id.toHexString(), at: createdAt, ip, userAgent, deviceId };
}

function toSession({ _id, ...rest }: RefreshToken): RefreshSession {
  return { id: _id.toHexString(), ...rest };
}
