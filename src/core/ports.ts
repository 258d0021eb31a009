import type { MailMessage } from './mail.js';

/** Injection token of the {@link Clock}. */
export const CLOCK = Symbol('CLOCK');

/** The library's only source of time. Milliseconds since the epoch; the default is monotonic and follows the database's clock. */
export interface Clock {
  now(): number;
  /**
   * Set while the time is uncertain because the machine was suspended; guards wait for it. It resolves soon and never
   * rejects.
   */
  readonly settling?: Promise<void> | null;
  /**
   * Whether the time may be wrong by more than a moment, because the database's clock was set or seems to have been. The
   * library detects no theft by such a clock.
   */
  readonly isInDoubt?: boolean;
  /**
   * The time of the database, read from the database itself. Without this method, the clock itself is the authority, and the
   * store writes the times that it is given.
   * @throws AuthError `TEMPORARILY_UNAVAILABLE`
   */
  read?(): Promise<number>;
}

/** A user as the library needs it. */
export interface UserRecord {
  readonly id: string;
  /** Normalised: trimmed, NFKC, lower case, the domain as the DNS has it (`xn--…`). */
  readonly email: string;
  readonly name?: string | undefined;
  readonly roles: readonly string[];
  /** As returned by {@link PasswordHasher.hash}; null: the user has no password and logs in by other means. */
  readonly passwordHash: string | null;
  /** Random; tokens that were minted under another version are invalid. */
  readonly tokenVersion: string;
  /** Random; changes with the roles. Null or absent: they never changed. See {@link UserStore.setRoles}. */
  readonly rolesVersion?: string | null | undefined;
  readonly disabledAt: Date | null;
  /** When the user proved that the address is theirs; null or absent: not yet. */
  readonly emailVerifiedAt?: Date | null | undefined;
  readonly createdAt: Date;
  /** Everything else that the store keeps about the user, such as extra registration fields. Never returned to clients. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

/** A user to be stored. `roles` is a mutable array, so that it can be passed to a model directly. */
export interface NewUser extends Omit<UserRecord, 'id' | 'disabledAt' | 'rolesVersion' | 'roles'> {
  readonly roles: string[];
}

/** Which users to list. All given conditions must hold. */
export interface UserQuery {
  /** Prefix of the address; normalised. */
  readonly emailPrefix?: string | undefined;
  readonly role?: string | undefined;
  readonly disabled?: boolean | undefined;
  /** Only users after this one in the order of the list: its id or, with `emailPrefix`, its address; or the `after` of a list. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Some users of a list. */
export interface UserList {
  readonly users: UserRecord[];
  /**
   * Where to continue, if the store stopped before `limit` because it had read many users. Absent: if there are fewer than
   * `limit` users, there are no more.
   */
  readonly after?: string | undefined;
}

/** Injection token of the {@link UserStore} in use. */
export const USER_STORE = Symbol('USER_STORE');

/** Where users live. A host that keeps its own user collection implements this; the default keeps `users`. */
export interface UserStore {
  findById(id: string): Promise<UserRecord | null>;
  /** @param email normalised */
  findByEmail(email: string): Promise<UserRecord | null>;
  /**
   * Stores `fields` next to the other fields, which they never replace.
   * @throws AuthError `EMAIL_TAKEN` if the address is taken, also when two registrations race; never for another conflict
   */
  create(user: NewUser): Promise<UserRecord>;
  /** Sets hash and token version if the version is still `ifTokenVersion`; false if it is not. */
  setPassword(
    id: string,
    change: { passwordHash: string; tokenVersion: string; ifTokenVersion: string },
  ): Promise<boolean>;
  /** Replaces a hash by a stronger one of the same password, if it is still `ifPasswordHash`. */
  upgradePasswordHash(id: string, change: { passwordHash: string; ifPasswordHash: string }): Promise<void>;
  /** Sets the token version and returns the previous one; null if there is no such user. */
  replaceTokenVersion(id: string, tokenVersion: string): Promise<string | null>;
  /** Disables (a date) or enables (null). False if there is no such user. */
  setDisabledAt(id: string, disabledAt: Date | null): Promise<boolean>;
  /** Stores when the address was first proved. Needed only for `emailVerification: 'required'`. */
  setEmailVerifiedAt?(id: string, emailVerifiedAt: Date): Promise<void>;
  /**
   * Sets `rolesVersion` and, if given, `roles`. Needed to change roles.
   * @returns the previous version, which is null if there was none; null if there is no such user
   */
  setRoles?(id: string, change: RolesChange): Promise<{ readonly rolesVersion: string | null } | null>;
  /**
   * Replaces the address by a verified one, if it is still `ifEmail`. Needed to change addresses.
   * @returns false if it is not
   * @throws AuthError `EMAIL_TAKEN`
   */
  setEmail?(id: string, change: EmailChange): Promise<boolean>;
  /**
   * Lists users: by address if `emailPrefix` is given, otherwise newest first. Needed to list users and to recognise the
   * last administrator. An array shorter than `limit` means that there are no more users; a {@link UserList} may be
   * shorter, and say in `after` where to continue.
   */
  list?(query: UserQuery): Promise<UserRecord[] | UserList>;
  /** Removes a user permanently; false if there is none. Needed to delete accounts. */
  remove?(id: string): Promise<boolean>;
}

export interface RolesChange {
  /** Absent: the roles stay as they are. */
  readonly roles?: readonly string[] | undefined;
  readonly rolesVersion: string;
}

export interface EmailChange {
  /** Normalised. */
  readonly email: string;
  readonly ifEmail: string;
  readonly emailVerifiedAt: Date;
}

/** Who causes a hash: hashers use it to share their time fairly. */
export interface HashRequester {
  /** IPv4 address, or the /64 of an IPv6 one. */
  readonly address: string;
  /** Normalised e-mail address; there may be no such account. */
  readonly account: string;
}

/** Slow hashing of passwords. The default is bcrypt. */
export interface PasswordHasher {
  hash(password: string, requester?: HashRequester): Promise<string>;
  /** Returns false for a hash of unknown form; never throws. */
  verify(password: string, stored: string, requester?: HashRequester): Promise<boolean>;
  /** Whether `stored` is weaker than what {@link hash} makes now. */
  needsUpgrade(stored: string): boolean;
}

/**
 * Verifies the hashes of another system, so that imported users can log in with their passwords. The next login replaces
 * such a hash by one of the {@link PasswordHasher}.
 */
export interface PasswordVerifier {
  /** Whether a hash is of this kind; decides by its form, without slow work. */
  matches(hash: string): boolean;
  /** Returns false for a hash of unknown form; never throws. */
  verify(password: string, hash: string): Promise<boolean>;
}

/** Checks whether a password is known from a breach. The library ships `PwnedPasswordsBreachChecker`. */
export interface BreachChecker {
  /**
   * Called for new passwords that pass the offline rules. Errors are logged, so they must not contain the password; on an
   * error or a timeout, the password counts as not breached.
   * @param password normalised: NFKC
   * @param signal aborted when the answer takes too long (`password.breachCheckTimeout`)
   */
  isBreached(password: string, signal: AbortSignal): Promise<boolean>;
}

/**
 * Sends mail to users. The library says what happened; the mailer chooses the words and the channel. Called outside of
 * requests, for a few messages at a time.
 */
export interface Mailer {
  /**
   * Resolves when the message was handed over. After an error it is called again for some minutes, except after a
   * `MailRefusedError`. Only the name and code of an error are logged, since its message may contain an address.
   * @param signal aborted at the timeout (30 s) or when the process stops
   */
  send(message: MailMessage, signal: AbortSignal): Promise<void>;
}

/**
 * `jti:<id>`: one access token; `sid:<id>`: a session; `gen:<session id>.<generation>`: one generation of a session;
 * `ver:<retired token version>`: all earlier tokens of a user; `rol:<retired roles version>`: a user's tokens with the
 * previous roles (with the user id instead of a version if the roles had never changed).
 */
export type RevocationKey =
  `jti:${string}` | `sid:${string}` | `gen:${string}` | `ver:${string}` | `rol:${string}`;

export interface RevocationEntry {
  readonly key: RevocationKey;
  /** When every token that it revokes has expired anyway. */
  readonly expiresAt: Date;
}

/** Position in the feed after a read; opaque, passed to the next read. */
export type RevocationMark = { readonly at: Date };

/** Shares revocations between processes. */
export interface RevocationStore {
  /**
   * Set where a failover may lose entries that were added. Every process then compares what it knows with each full read,
   * and adds again what is missing.
   */
  readonly canLoseEntries?: boolean;
  /**
   * Durable when it resolves. Safe to repeat; an earlier `expiresAt` never replaces a later one.
   * @param now the time by the same clock as `expiresAt`, for stores that expire entries by their remaining lifetime
   */
  add(entries: readonly RevocationEntry[], now: Date): Promise<void>;
  /**
   * Entries written since an earlier read, or every live one if `since` is null. May repeat entries, and never omits one that
   * was durable before the read began.
   */
  read(since: RevocationMark | null): Promise<{ entries: RevocationEntry[]; mark: RevocationMark }>;
  /** Whether one of the keys is listed. Always reads the store: mode `strict` calls it at each guarded request. */
  hasAny(keys: readonly RevocationKey[]): Promise<boolean>;
  /**
   * Reports entries as any process writes them; without it the store is polled. After it has resolved, no durable entry may
   * be missed silently: a watch that can no longer guarantee this calls `watchLost`. Null: this store can never watch.
   * Rejects if it cannot watch now; it is called again later.
   */
  watch?(observer: RevocationObserver): Promise<RevocationWatch | null>;
}

/** Receives the changes of a {@link RevocationStore}. */
export interface RevocationObserver {
  /** May repeat entries that were reported or read before. */
  entriesAdded(entries: readonly RevocationEntry[]): void;
  /** Entries may have been missed, and no more will be reported: the list is read again and a new watch begins. */
  watchLost(reason: unknown): void;
}

/** A watch that has begun. */
export interface RevocationWatch {
  /** For the log, such as `change stream`. */
  readonly description: string;
  /** Releases cursors and connections; nothing is reported afterwards. */
  close(): Promise<void>;
}
