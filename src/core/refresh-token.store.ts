import type { LoginTraits } from './familiar-device.js';
import type { Transport } from './refresh-token.js';
import type { FormerSecrets } from './reissue.js';
import type { Predecessor, RevocationReason, RotationState } from './rotation.js';
import type { SharedUse } from './shared-use.js';

export interface RecentUse {
  readonly ip: string;
  /** Its first 128 characters; compare it with as much of another. */
  readonly userAgent: string | null;
  readonly at: Date;
  /** Names the proof of possession that came with it, which is good for no other; absent without one. */
  readonly proof?: string;
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
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly absoluteExpiresAt: Date;
  readonly transport: Transport;
  /** Thumbprint of the key that the session is bound to (RFC 9449 §6); null: none. Fixed at login. */
  readonly jkt: string | null;
  /** The key of the browser that the session is bound to, in 44 characters; absent: none. Set once, never replaced. */
  readonly deviceKey?: string | undefined;
  /** When the user last proved who they are; absent (a session of an earlier version): at `createdAt`. No rotation moves it. */
  readonly authTime?: Date | undefined;
  /** How they did it (RFC 8176), such as `['pwd']`; absent: not known. */
  readonly amr?: readonly string[] | undefined;
  /** False: the session ends with the browser, and has the shorter idle life. Absent: true. Fixed at login. */
  readonly remember?: false | undefined;
  readonly device: SessionDevice;
  readonly recentUses: readonly RecentUse[];
  /** Null where no generation was served to two networks. */
  readonly sharedUse: SharedUse | null;
}

/** When and how a user proved who they are. */
export interface Authentication {
  readonly authTime: Date;
  /** RFC 8176. */
  readonly amr: readonly string[];
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

/** What a compare-and-set of a session's secret has in common. */
interface SecretCommand {
  readonly sessionId: string;
  /** The session changes only while this is the hash of its secret. */
  readonly ifTokenHash: string;
  readonly now: Date;
  /** Of the new secret. */
  readonly tokenHash: string;
  /** When the new generation was made; null, only for a store with `readTime`: the time of its database at the write. */
  readonly rotatedAt: Date | null;
  readonly use: RecentUse;
  /** The renewed idle expiry; null leaves it alone (fixed lifetime). */
  readonly expiresAt: Date | null;
}

/** The compare-and-set of a rotation: the presented secret is the current one. */
export interface RotationCommand extends SecretCommand {
  readonly ifAbsoluteExpiresAt: Date;
  /** Only while the session has no `deviceKey`. A store without `bindDevice` is never asked for it. */
  readonly ifUnbound?: true;
  readonly predecessor: Predecessor;
}

/** The compare-and-set of a reissue: the presented secret is a former one, and the current one is abandoned. */
export interface ReissueCommand extends SecretCommand, FormerSecrets {
  readonly ifGeneration: number;
  /** Only while no access token of the current generation was used. */
  readonly ifUnconfirmed: boolean;
  /** Null leaves it alone. */
  readonly sharedUse: SharedUse | null;
}

/** Injection token of the {@link RefreshTokenStore} in use. */
export const REFRESH_TOKEN_STORE = Symbol('REFRESH_TOKEN_STORE');

/**
 * Where sessions are kept (option `refreshToken.store`). A store of your own must pass `refreshTokenStoreConformance` of
 * `nestjs-silent-auth/testing`.
 *
 * - **Atomic.** Each operation is applied whole or not at all, also when the process or the connection dies, and two that
 *   change one session happen one after the other, whichever processes they come from.
 * - **Durable.** What a resolved promise wrote outlives a crash or a failover of the database.
 * - **Consistent.** Reads see every write that has resolved, in whatever process: read from the primary.
 * - **Safe to repeat.** The library repeats an operation whose outcome it does not know.
 * - **Errors.** While the database is out of reach it rejects with `AuthError('TEMPORARILY_UNAVAILABLE')`, which answers 503
 *   and ends no session; any other error answers 500.
 * - **Times.** The store writes the times that it is given, in whole milliseconds, and compares with those it is given.
 *   Only a store with {@link RefreshTokenStore.readTime} writes one of its own: `rotatedAt`, where the command has null.
 * - **Expiry.** A session may be deleted once its `expiresAt` has passed, not before: ended ones tell a theft from a mistake.
 */
export interface RefreshTokenStore {
  /** An id that no session has: 24 lower-case hexadecimal digits, such as `randomBytes(12).toString('hex')`. */
  newId(): string;
  create(session: RefreshSession): Promise<void>;
  /**
   * Replaces the secret of a session, if it is still `ifTokenHash`, its absolute expiry is `ifAbsoluteExpiresAt`, and it is
   * neither revoked nor expired at `now` (`expiresAt > now`). Sets `tokenHash`, `rotatedAt` and `lastUsedAt` (to `now`), and
   * `expiresAt` unless that is null; adds 1 to `generation`; clears `confirmedAt`; appends to `predecessors`, of which the
   * last `MAX_PREDECESSORS` stay, and to `recentUses`, of which the last `MAX_RECENT_USES` stay.
   * @returns the session after it; null where the condition did not hold, and then nothing has changed
   */
  rotate(command: RotationCommand): Promise<RefreshSession | null>;
  /**
   * As `rotate`, with the conditions `ifTokenHash`, `ifGeneration` and, with `ifUnconfirmed`, no `confirmedAt`. It replaces
   * `predecessors` and `abandoned` by those given, and `sharedUse` unless that is null.
   * @returns the session after it; null where the condition did not hold, and then nothing has changed
   */
  reissue(command: ReissueCommand): Promise<RefreshSession | null>;
  /** Ended sessions too; null where there is none. */
  findById(id: string): Promise<RefreshSession | null>;
  /** Sessions that are neither revoked nor expired at `now`, latest use first. */
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
  /** Records that `generation`, if it is still the current one, was served to another network than the one that made it. */
  recordSharedUse(id: string, generation: number, use: RecentUse, sharedUse: SharedUse): Promise<void>;
  /**
   * Records that the user of a live session proved again who they are: sets `authTime` and `amr`.
   * @returns the session after it; null where no such session is live
   */
  recordAuthentication(id: string, made: Authentication, now: Date): Promise<RefreshSession | null>;
  /** Keeps the fingerprint under another key, if it is still `ifFingerprint`. */
  replaceFingerprint(id: string, ifFingerprint: string, fingerprint: string): Promise<void>;
  /**
   * Ends sessions; the first time and reason stay. Once it has resolved, no `rotate` and no `reissue` of them succeeds.
   * @returns the ids of those that were not revoked before; of two calls at once, only one returns a session
   */
  revoke(ids: readonly string[], reason: RevocationReason, now: Date): Promise<string[]>;
  /** Deletes every session of a user, ended ones too: they hold addresses and devices. They were ended before. */
  removeOfUser(userId: string): Promise<void>;
  /**
   * Sets the `deviceKey` of a live session that has none; of two calls at once, one does. A store without it cannot have
   * `refreshToken.deviceBound`.
   * @returns the session after it, whichever key it has; null where no such session is live
   */
  bindDevice?(id: string, deviceKey: string, now: Date): Promise<RefreshSession | null>;
  /**
   * The time of the store's own database, in milliseconds since the epoch, asked of the database itself. A store that has it
   * writes that time as `rotatedAt` where the command has null, and the library judges replays by it. Without it the
   * library gives every time.
   */
  readTime?(): Promise<number>;
}
