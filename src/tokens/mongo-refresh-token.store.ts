import type { OnModuleInit } from '@nestjs/common';
import { type Model, type mongo, Types } from 'mongoose';
import type { Clock } from '../core/ports.js';
import type {
  Authentication,
  EndedLogin,
  LiveSessionCount,
  RecentUse,
  RefreshSession,
  RefreshTokenStore,
  ReissueCommand,
  RotationCommand,
  SessionLogin,
} from '../core/refresh-token.store.js';
import { MAX_PREDECESSORS, MAX_RECENT_USES, type RevocationReason } from '../core/rotation.js';
import type { SharedUse } from '../core/shared-use.js';
import { bulkUpdate } from '../database/bulk-update.js';
import { DamagedRows } from '../database/damaged-rows.js';
import type { IndexRegistry } from '../database/index-registry.js';
import { nativeCollection } from '../database/native-collection.js';
import { orUnavailable } from '../database/unavailable.js';
import { toAbandonedRow, toPredecessorRow, toRow } from './mongo-refresh-token.row.js';
import type { RefreshToken } from './refresh-token.schema.js';
import { readLogin, readSession } from './sound-session.js';

/** Keeps sessions in the `refresh_tokens` collection of the host's connection. */
export class MongoRefreshTokenStore implements RefreshTokenStore, OnModuleInit {
  private readonly damaged: DamagedRows;
  /** Missing if the host provides its own clock, which is then the authority. */
  readonly readTime?: () => Promise<number>;

  constructor(
    private readonly model: Model<RefreshToken>,
    private readonly indexes: IndexRegistry,
    clock: Clock,
  ) {
    this.damaged = new DamagedRows(model.collection.collectionName);
    if (clock.read) this.readTime = clock.read.bind(clock);
  }

  /** The TTL index must exist before the first session. */
  async onModuleInit(): Promise<void> {
    await this.indexes.build(this.model);
  }

  newId(): string {
    return new Types.ObjectId().toHexString();
  }

  async create(session: RefreshSession): Promise<void> {
    await orUnavailable(() => this.sessions.insertOne(toRow(session)));
  }

  async rotate(command: RotationCommand): Promise<RefreshSession | null> {
    const { ifAbsoluteExpiresAt: absoluteExpiresAt, ifUnbound } = command;
    const filter = {
      ...isCurrent(command),
      absoluteExpiresAt,
      ...(ifUnbound ? UNBOUND : {}),
    };
    const predecessors = { $each: [toPredecessorRow(command.predecessor)], $slice: -MAX_PREDECESSORS };
    const { $push, ...update } = newGeneration(command);
    return this.changed(filter, { ...update, $push: { ...$push, predecessors } });
  }

  async reissue(command: ReissueCommand): Promise<RefreshSession | null> {
    const { ifGeneration: generation, ifUnconfirmed, predecessors, abandoned, sharedUse } = command;
    const filter = { ...isCurrent(command), generation, ...(ifUnconfirmed ? { confirmedAt: null } : {}) };
    const { $set, ...update } = newGeneration(command);
    return this.changed(filter, {
      ...update,
      $set: {
        ...$set,
        predecessors: predecessors.map(toPredecessorRow),
        abandoned: abandoned.map(toAbandonedRow),
        ...(sharedUse ? { sharedUse } : {}),
      },
    });
  }

  async findById(id: string): Promise<RefreshSession | null> {
    const row = await orUnavailable(() => this.sessions.findOne({ _id: new Types.ObjectId(id) }));
    return this.damaged.read(row, readSession);
  }

  async findLive(userId: string, now: Date): Promise<RefreshSession[]> {
    const rows = await orUnavailable(() =>
      this.sessions.find(live(userId, now), { sort: LATEST_USE_FIRST }).toArray(),
    );
    return this.damaged.readAll(rows, readSession);
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
    return this.damaged.readAll(rows, readLogin);
  }

  async findEndedLogins(userId: string): Promise<EndedLogin[]> {
    const options = { sort: { revokedAt: -1 }, limit: MAX_ENDED_LOGINS, projection: LOGIN } as const;
    const rows = await orUnavailable(() =>
      this.sessions.find({ userId, revokedAt: { $ne: null } }, options).toArray(),
    );
    return this.damaged.readAll(rows, (row) => {
      const login = readLogin(row);
      return login && { ...login, revokedReason: row.revokedReason };
    });
  }

  async countLive(now: Date, limit: number): Promise<LiveSessionCount> {
    // Reads the TTL index, up to a limit: revoked sessions stay until they expire and may be the majority.
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

  async recordSharedUse(id: string, generation: number, use: RecentUse, sharedUse: SharedUse): Promise<void> {
    const recentUses = { $each: [use], $slice: -MAX_RECENT_USES };
    await orUnavailable(() =>
      this.sessions.updateOne(
        { _id: new Types.ObjectId(id), generation },
        { $set: { sharedUse }, $push: { recentUses } },
      ),
    );
  }

  async recordProof(
    id: string,
    generation: number,
    use: RecentUse & { readonly proof: string },
  ): Promise<boolean> {
    const recentUses = { $each: [use], $slice: -MAX_RECENT_USES };
    const { matchedCount } = await orUnavailable(() =>
      this.sessions.updateOne(
        { _id: new Types.ObjectId(id), generation, 'recentUses.proof': { $ne: use.proof } },
        { $push: { recentUses } },
      ),
    );
    return matchedCount === 1;
  }

  async recordAuthentication(
    id: string,
    { authTime, amr }: Authentication,
    now: Date,
  ): Promise<RefreshSession | null> {
    const filter = { _id: new Types.ObjectId(id), revokedAt: null, expiresAt: { $gt: now } };
    return this.changed(filter, { $set: { authTime, amr: [...amr] } });
  }

  async bindDevice(id: string, deviceKey: string, now: Date): Promise<RefreshSession | null> {
    const filter = { _id: new Types.ObjectId(id), revokedAt: null, expiresAt: { $gt: now } };
    const bound = await this.changed({ ...filter, ...UNBOUND }, { $set: { deviceKey } });
    if (bound) return bound;
    const row = await orUnavailable(() => this.sessions.findOne(filter));
    return this.damaged.read(row, readSession);
  }

  async replaceFingerprint(id: string, ifFingerprint: string, fingerprint: string): Promise<void> {
    const filter = { _id: new Types.ObjectId(id), 'device.fingerprint': ifFingerprint };
    await this.update(filter, { 'device.fingerprint': fingerprint });
  }

  async revoke(ids: readonly string[], reason: RevocationReason, now: Date): Promise<string[]> {
    const set = { revokedAt: now, revokedReason: reason };
    const filters = ids.map((id) => ({ _id: new Types.ObjectId(id), revokedAt: null }));
    const matched = await bulkUpdate(
      this.sessions,
      filters.map((filter) => ({ filter, update: { $set: set } })),
    );
    if (matched === ids.length) return [...ids];
    if (matched === 0) return [];
    return this.revokedNow(
      filters.map(({ _id }) => _id),
      set,
    );
  }

  async removeOfUser(userId: string): Promise<void> {
    await orUnavailable(() => this.sessions.deleteMany({ userId }));
  }

  /** The ids among `ids` that this write revoked; the others were revoked before. */
  private async revokedNow(
    ids: readonly Types.ObjectId[],
    set: Pick<RefreshToken, 'revokedAt' | 'revokedReason'>,
  ): Promise<string[]> {
    const rows = await orUnavailable(() =>
      this.sessions.find({ _id: { $in: [...ids] }, ...set }, { projection: { _id: 1 } }).toArray(),
    );
    const revoked = new Set(rows.map(({ _id }) => _id.toHexString()));
    return ids.map((id) => id.toHexString()).filter((id) => revoked.has(id));
  }

  private async changed(
    filter: mongo.Filter<RefreshToken>,
    update: mongo.UpdateFilter<RefreshToken>,
  ): Promise<RefreshSession | null> {
    try {
      const row = await orUnavailable(() =>
        this.sessions.findOneAndUpdate(filter, update, { returnDocument: 'after' }),
      );
      return this.damaged.read(row, readSession);
    } catch (error) {
      // MongoDB cannot push to a damaged list. Treat the session as missing; `findById` reports the damage.
      if ((error as { code?: unknown }).code === BAD_VALUE) return null;
      throw error;
    }
  }

  private async update(
    filter: mongo.Filter<RefreshToken>,
    set: mongo.MatchKeysAndValues<RefreshToken>,
  ): Promise<void> {
    await orUnavailable(() => this.sessions.updateOne(filter, { $set: set }));
  }

  private get sessions() {
    return nativeCollection(this.model);
  }
}

/** MongoDB's error code for an update that does not fit the document. */
const BAD_VALUE = 2;
const MAX_ENDED_LOGINS = 100;
const UNBOUND = { deviceKey: { $exists: false } } as const;
/** The fields that say where a session began. */
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

function isCurrent({ sessionId, ifTokenHash, now }: RotationCommand | ReissueCommand) {
  return {
    _id: new Types.ObjectId(sessionId),
    tokenHash: ifTokenHash,
    revokedAt: null,
    expiresAt: { $gt: now },
  };
}

function newGeneration({ tokenHash, now, rotatedAt, expiresAt, use }: RotationCommand | ReissueCommand) {
  const $set = {
    tokenHash,
    confirmedAt: null,
    lastUsedAt: now,
    ...(rotatedAt ? { rotatedAt } : {}),
    ...(expiresAt ? { expiresAt } : {}),
  };
  return {
    $set,
    ...(rotatedAt ? {} : { $currentDate: { rotatedAt: true } as const }),
    $inc: { generation: 1 },
    $push: { recentUses: { $each: [use], $slice: -MAX_RECENT_USES } },
  };
}
