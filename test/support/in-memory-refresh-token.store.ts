import { Types } from 'mongoose';
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
} from '../../src/core/refresh-token.store.js';
import { MAX_PREDECESSORS, MAX_RECENT_USES, type RevocationReason } from '../../src/core/rotation.js';
import type { SharedUse } from '../../src/core/shared-use.js';

/** The store without a database, for model tests; it passes the same contract suite as the real one. */
export class InMemoryRefreshTokenStore implements RefreshTokenStore {
  readonly sessions = new Map<string, RefreshSession>();

  newId(): string {
    return new Types.ObjectId().toHexString();
  }

  async create(session: RefreshSession): Promise<void> {
    this.sessions.set(session.id, session);
  }

  async rotate(command: RotationCommand): Promise<RefreshSession | null> {
    const session = this.sessions.get(command.sessionId);
    const { now } = command;
    if (
      !session ||
      session.tokenHash !== command.ifTokenHash ||
      session.absoluteExpiresAt.getTime() !== command.ifAbsoluteExpiresAt.getTime() ||
      (command.ifUnbound && session.deviceKey !== undefined) ||
      session.revokedAt ||
      session.expiresAt <= now
    )
      return null;
    return this.put({
      ...session,
      ...newGeneration(session, command),
      predecessors: [...session.predecessors, command.predecessor].slice(-MAX_PREDECESSORS),
    });
  }

  async reissue(command: ReissueCommand): Promise<RefreshSession | null> {
    const session = this.sessions.get(command.sessionId);
    if (
      !session ||
      session.tokenHash !== command.ifTokenHash ||
      session.generation !== command.ifGeneration ||
      (command.ifUnconfirmed && session.confirmedAt) ||
      session.revokedAt ||
      session.expiresAt <= command.now
    )
      return null;
    const { predecessors, abandoned } = command;
    const sharedUse = command.sharedUse ?? session.sharedUse;
    return this.put({ ...session, ...newGeneration(session, command), predecessors, abandoned, sharedUse });
  }

  async findById(id: string): Promise<RefreshSession | null> {
    return this.sessions.get(id) ?? null;
  }

  async findLive(userId: string, now: Date): Promise<RefreshSession[]> {
    return [...this.sessions.values()]
      .filter((session) => session.userId === userId && !session.revokedAt && session.expiresAt > now)
      .sort((a, b) => b.lastUsedAt.getTime() - a.lastUsedAt.getTime() || (a.id < b.id ? 1 : -1));
  }

  async countLive(now: Date, limit: number): Promise<LiveSessionCount> {
    const looked = [...this.sessions.values()].filter(({ expiresAt }) => expiresAt > now).slice(0, limit);
    const active = looked.filter(({ revokedAt }) => !revokedAt).length;
    return { active, isAtLeast: looked.length === limit };
  }

  async hasDevice(userId: string, deviceId: string, tokenVersion?: string): Promise<boolean> {
    return [...this.sessions.values()].some(
      (session) =>
        session.userId === userId &&
        session.device.deviceId === deviceId &&
        (tokenVersion === undefined || session.tokenVersion === tokenVersion),
    );
  }

  async findLogins(userId: string, now: Date): Promise<SessionLogin[]> {
    const live = await this.findLive(userId, now);
    return live.map(toLogin);
  }

  async findEndedLogins(userId: string): Promise<EndedLogin[]> {
    return [...this.sessions.values()]
      .filter((session) => session.userId === userId && session.revokedAt)
      .map((session) => ({ ...toLogin(session), revokedReason: session.revokedReason }));
  }

  async confirm(id: string, generation: number, now: Date): Promise<void> {
    const session = this.sessions.get(id);
    if (session?.generation === generation && !session.confirmedAt)
      this.put({ ...session, confirmedAt: now });
  }

  async recordSharedUse(id: string, generation: number, use: RecentUse, sharedUse: SharedUse): Promise<void> {
    const session = this.sessions.get(id);
    if (session?.generation !== generation) return;
    const recentUses = [...session.recentUses, use].slice(-MAX_RECENT_USES);
    this.put({ ...session, sharedUse, recentUses });
  }

  async recordProof(
    id: string,
    generation: number,
    use: RecentUse & { readonly proof: string },
  ): Promise<boolean> {
    const session = this.sessions.get(id);
    if (session?.generation !== generation) return false;
    if (session.recentUses.some(({ proof }) => proof === use.proof)) return false;
    this.put({ ...session, recentUses: [...session.recentUses, use].slice(-MAX_RECENT_USES) });
    return true;
  }

  async recordAuthentication(
    id: string,
    { authTime, amr }: Authentication,
    now: Date,
  ): Promise<RefreshSession | null> {
    const session = this.sessions.get(id);
    if (!session || session.revokedAt || session.expiresAt <= now) return null;
    return this.put({ ...session, authTime, amr });
  }

  async bindDevice(id: string, deviceKey: string, now: Date): Promise<RefreshSession | null> {
    const session = this.sessions.get(id);
    if (!session || session.revokedAt || session.expiresAt <= now) return null;
    return this.put({ ...session, deviceKey: session.deviceKey ?? deviceKey });
  }

  async replaceFingerprint(id: string, ifFingerprint: string, fingerprint: string): Promise<void> {
    const session = this.sessions.get(id);
    if (session?.device.fingerprint === ifFingerprint)
      this.put({ ...session, device: { ...session.device, fingerprint } });
  }

  async revoke(ids: readonly string[], reason: RevocationReason, now: Date): Promise<string[]> {
    const live = ids.filter((id) => this.sessions.get(id)?.revokedAt === null);
    for (const id of live) {
      const session = this.sessions.get(id);
      if (session) this.put({ ...session, revokedAt: now, revokedReason: reason });
    }
    return live;
  }

  async removeOfUser(userId: string): Promise<void> {
    for (const [id, session] of this.sessions) if (session.userId === userId) this.sessions.delete(id);
  }

  private put(session: RefreshSession): RefreshSession {
    this.sessions.set(session.id, session);
    return session;
  }
}

function newGeneration(
  session: RefreshSession,
  { tokenHash, now, rotatedAt, expiresAt, use }: RotationCommand | ReissueCommand,
) {
  return {
    tokenHash,
    generation: session.generation + 1,
    rotatedAt: rotatedAt ?? new Date(),
    confirmedAt: null,
    lastUsedAt: now,
    expiresAt: expiresAt ?? session.expiresAt,
    recentUses: [...session.recentUses, use].slice(-MAX_RECENT_USES),
  };
}

function toLogin({ id, createdAt, device: { ip, userAgent, deviceId } }: RefreshSession): SessionLogin {
  return { id, at: createdAt, ip, userAgent, deviceId };
}
