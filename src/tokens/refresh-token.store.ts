import type { LoginTraits } from '../core/familiar-device.js';
import type { Transport } from '../core/refresh-token.js';
import type { Predecessor, RevocationReason, RotationState } from '../core/rotation.js';

export interface RecentUse {
  readonly ip: string;
  /** Its first 128 characters; compare it with as much of another. */
  readonly userAgent: string | null;
  readonly at: Date;
}

export interface SessionDevice {
  readonly appId: string | null;
  readonly deviceId: string | null;
  readonly deviceName: string | null;
  /** At most 256 characters. */
  readonly userAgent: string | null;
  readonly ip: string;
  readonly fingerprint: string | null;
}

/** A session as the store keeps it; see the schema for each field's meaning. */
export interface RefreshSession extends Omit<RotationState, 'fingerprint'> {
  readonly userId: string;
  readonly tokenVersion: string;
  readonly rotatedAt: Date;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly absoluteExpiresAt: Date;
  readonly transport: Transport;
  readonly device: SessionDevice;
  readonly recentUses: readonly RecentUse[];
}

/** Where and when a session began. */
export interface SessionLogin extends LoginTraits {
  readonly id: string;
  readonly at: Date;
}

/** How many sessions are live. */
export interface LiveSessionCount {
  readonly active: number;
  /** Whether there may be more: counting ended at its limit. */
  readonly isAtLeast: boolean;
}

/** The same of a session that was ended. */
export interface EndedLogin extends SessionLogin {
  readonly revokedReason: RevocationReason | null;
}

/** The compare-and-set of a rotation. */
export interface RotationCommand {
  readonly sessionId: string;
  /** Hash of the presented secret: the session rotates only while this is the current one. */
  readonly ifTokenHash: string;
  readonly ifAbsoluteExpiresAt: Date;
  readonly now: Date;
  readonly tokenHash: string;
  readonly predecessor: Predecessor;
  readonly use: RecentUse;
  /** The renewed idle expiry; null leaves it alone (fixed lifetime). */
  readonly expiresAt: Date | null;
}

/** Injection token of the {@link RefreshTokenStore} in use. */
export const REFRESH_TOKEN_STORE = Symbol('REFRESH_TOKEN_STORE');

/** Persistence of sessions: each operation is one atomic command and safe to repeat. */
export interface RefreshTokenStore {
  newId(): string;
  create(session: RefreshSession): Promise<void>;
  /** The session after the rotation; null where the condition did not hold. */
  rotate(command: RotationCommand): Promise<RefreshSession | null>;
  findById(id: string): Promise<RefreshSession | null>;
  /** Live sessions, latest use first. */
  findLive(userId: string, now: Date): Promise<RefreshSession[]>;
  /** Whether any session of the user, ended ones too, began with this `deviceId`, and under `tokenVersion` where that is given. */
  hasDevice(userId: string, deviceId: string, tokenVersion?: string): Promise<boolean>;
  /** Where and when the live sessions began, latest use first. */
  findLogins(userId: string, now: Date): Promise<SessionLogin[]>;
  /** Counts live sessions of all users, looking at `limit` that have not expired and at no more. */
  countLive(now: Date, limit: number): Promise<LiveSessionCount>;
  /** Where the latest hundred ended sessions began, and why they ended; those whose time is over are forgotten. */
  findEndedLogins(userId: string): Promise<EndedLogin[]>;
  /** Records that `generation`, if it is still the current one, was seen in use. */
  confirm(id: string, generation: number, now: Date): Promise<void>;
  /** Records the first recovery of `generation`, if it is still the current one and nobody has used it. */
  markRecovered(id: string, generation: number, now: Date): Promise<void>;
  /** Keeps the fingerprint under another key, if it is still `ifFingerprint`. */
  replaceFingerprint(id: string, ifFingerprint: string, fingerprint: string): Promise<void>;
  /** @returns the ids of those that were not revoked before */
  revoke(ids: readonly string[], reason: RevocationReason, now: Date): Promise<string[]>;
}
