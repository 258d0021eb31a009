import type { LoginTraits } from './familiar-device.js';
import type { Transport } from './refresh-token.js';
import type { FormerSecrets } from './reissue.js';
import type { Predecessor, RevocationReason, RotationState } from './rotation.js';
import type { SharedUse } from './shared-use.js';

export interface RecentUse {
  readonly ip: string;
  /** Its first 128 characters; cut another user agent to the same length before you compare it. */
  readonly userAgent: string | null;
  readonly at: Date;
  /** Id of the proof of possession that came with it, which cannot be used again; absent without a proof. */
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
  /** Thumbprint of the key that the session is bound to (RFC 9449 §6); null if there is none. Fixed at login. */
  readonly jkt: string | null;
  /** The browser's key that the session is bound to, 44 characters; absent if there is none. Set once, never replaced. */
  readonly deviceKey?: string | undefined;
  /** When the user last proved who they are; absent in sessions of earlier versions: use `createdAt`. Rotations do not change it. */
  readonly authTime?: Date | undefined;
  /** How they did it (RFC 8176), such as `['pwd']`; absent if it is not known. */
  readonly amr?: readonly string[] | undefined;
  /** False: the session ends with the browser and has the shorter idle lifetime. Absent: true. Fixed at login. */
  readonly remember?: false | undefined;
  readonly device: SessionDevice;
  readonly recentUses: readonly RecentUse[];
  /** Null if no generation was served to two networks. */
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
  /** Whether there may be more, because the count stopped at its limit. */
  readonly isAtLeast: boolean;
}

/** Where and when an ended session began, and why it ended. */
export interface EndedLogin extends SessionLogin {
  readonly revokedReason: RevocationReason | null;
}

/** The common fields of commands that compare and set a session's secret. */
interface SecretCommand {
  readonly sessionId: string;
  /** The session changes only if this is the hash of its current secret. */
  readonly ifTokenHash: string;
  readonly now: Date;
  /** Hash of the new secret. */
  readonly tokenHash: string;
  /** When the new generation was made; null, only with `readTime`: the store uses its database's time at the write. */
  readonly rotatedAt: Date | null;
  readonly use: RecentUse;
  /** The renewed idle expiry; null keeps it unchanged (fixed lifetime). */
  readonly expiresAt: Date | null;
}

/** The compare-and-set of a rotation: the presented secret is the current one. */
export interface RotationCommand extends SecretCommand {
  readonly ifAbsoluteExpiresAt: Date;
  /** Only if the session has no `deviceKey`. Never passed to a store without `bindDevice`. */
  readonly ifUnbound?: true;
  readonly predecessor: Predecessor;
}

/** The compare-and-set of a reissue: the presented secret is a former one, and the current one becomes abandoned. */
export interface ReissueCommand extends SecretCommand, FormerSecrets {
  readonly ifGeneration: number;
  /** Only if no access token of the current generation was used. */
  readonly ifUnconfirmed: boolean;
  /** Null keeps it unchanged. */
  readonly sharedUse: SharedUse | null;
}

/** Injection token of the {@link RefreshTokenStore} in use. */
export const REFRESH_TOKEN_STORE = Symbol('REFRESH_TOKEN_STORE');

/**
 * Where sessions are kept (option `refreshToken.store`). A store of your own must pass `refreshTokenStoreConformance` of
 * `nestjs-silent-auth/testing`.
 *
 * - **Atomic.** Each operation is applied completely or not at all, also when the process or the connection dies. Two
 *   operations on one session run one after the other, whichever processes they come from.
 * - **Durable.** What a resolved promise wrote survives a crash or a failover of the database.
 * - **Consistent.** Reads see every write that has resolved, in whatever process: read from the primary.
 * - **Safe to repeat.** The library repeats an operation whose outcome it does not know.
 * - **Errors.** While the database is unreachable, reject with `AuthError('TEMPORARILY_UNAVAILABLE')`, which answers 503 and
 *   ends no session; any other error answers 500.
 * - **Times.** The store writes the times that it is given, in whole milliseconds, and compares with them. Only a store with
 *   {@link RefreshTokenStore.readTime} writes a time of its own: `rotatedAt`, if the command has null.
 * - **Expiry.** A session may be deleted after its `expiresAt`, never before: ended sessions separate theft from mistakes.
 */
export interface RefreshTokenStore {
  /** An unused id: 24 lower-case hexadecimal digits, such as `randomBytes(12).toString('hex')`. */
  newId(): string;
  create(session: RefreshSession): Promise<void>;
  /**
   * Replaces the secret of a session, if its secret is still `ifTokenHash`, its absolute expiry is `ifAbsoluteExpiresAt`, and
   * it is neither revoked nor expired at `now` (`expiresAt > now`). Sets `tokenHash`, `rotatedAt` and `lastUsedAt` (to `now`),
   * and `expiresAt` unless that is null; adds 1 to `generation`; clears `confirmedAt`; appends to `predecessors` and keeps the
   * last `MAX_PREDECESSORS`; appends to `recentUses` and keeps the last `MAX_RECENT_USES`.
   * @returns the updated session; null if a condition did not hold, and then nothing has changed
   */
  rotate(command: RotationCommand): Promise<RefreshSession | null>;
  /**
   * Like `rotate`, with the conditions `ifTokenHash`, `ifGeneration` and, with `ifUnconfirmed`, no `confirmedAt`. It replaces
   * `predecessors` and `abandoned` by the given ones, and `sharedUse` unless that is null.
   * @returns the updated session; null if a condition did not hold, and then nothing has changed
   */
  reissue(command: ReissueCommand): Promise<RefreshSession | null>;
  /** Also finds ended sessions; null if there is none. */
  findById(id: string): Promise<RefreshSession | null>;
  /** Sessions that are neither revoked nor expired at `now`, most recently used first. */
  findLive(userId: string, now: Date): Promise<RefreshSession[]>;
  /** Whether any session of the user, also an ended one, began with this `deviceId` and, if given, under `tokenVersion`. */
  hasDevice(userId: string, deviceId: string, tokenVersion?: string): Promise<boolean>;
  /** Where and when the live sessions began, most recently used first. */
  findLogins(userId: string, now: Date): Promise<SessionLogin[]>;
  /** Counts live sessions of all users, reading at most `limit` sessions that have not expired. */
  countLive(now: Date, limit: number): Promise<LiveSessionCount>;
  /** Where and why the latest hundred ended sessions began and ended. Expired ones may be missing. */
  findEndedLogins(userId: string): Promise<EndedLogin[]>;
  /** Records that `generation`, if it is still the current one, was seen in use. */
  confirm(id: string, generation: number, now: Date): Promise<void>;
  /** Records that `generation`, if it is still the current one, was served to a network other than the one that made it. */
  recordSharedUse(id: string, generation: number, use: RecentUse, sharedUse: SharedUse): Promise<void>;
  /**
   * Records that the user of a live session proved again who they are: sets `authTime` and `amr`.
   * @returns the updated session; null if no such session is live
   */
  recordAuthentication(id: string, made: Authentication, now: Date): Promise<RefreshSession | null>;
  /** Replaces the fingerprint by one under another key, if it is still `ifFingerprint`. */
  replaceFingerprint(id: string, ifFingerprint: string, fingerprint: string): Promise<void>;
  /**
   * Ends sessions; a session that has ended keeps its first time and reason. After it has resolved, no `rotate` or `reissue` of
   * them succeeds.
   * @returns the ids that were not revoked before; if two calls race, only one of them returns a session's id
   */
  revoke(ids: readonly string[], reason: RevocationReason, now: Date): Promise<string[]>;
  /** Deletes every session of a user, also ended ones, since they hold addresses and devices. The library ends them first. */
  removeOfUser(userId: string): Promise<void>;
  /**
   * Sets the `deviceKey` of a live session that has none; if two calls race, only one sets it. A store without this method
   * does not support `refreshToken.deviceBound`.
   * @returns the updated session, with whichever key it has; null if no such session is live
   */
  bindDevice?(id: string, deviceKey: string, now: Date): Promise<RefreshSession | null>;
  /**
   * Records a use with its proof of possession: appends it to `recentUses` and keeps the last `MAX_RECENT_USES`, if `generation`
   * is still the current one and no recent use has the proof. Only for sessions that are bound to a key. With a store without
   * this method, a copied retry of a refresh can be repeated in another process while the nonce of its proof is valid.
   * @returns whether it was recorded; if two calls race, only one of them records a proof
   */
  recordProof?(id: string, generation: number, use: RecentUse & { readonly proof: string }): Promise<boolean>;
  /**
   * The time of the store's own database, in milliseconds since the epoch, read from the database itself. A store with this
   * method writes that time as `rotatedAt` if the command has null, and the library judges replays by it. Without it, the
   * library passes every time.
   */
  readTime?(): Promise<number>;
}
