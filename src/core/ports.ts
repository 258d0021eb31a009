import type { MailMessage } from './mail.js';

/** Injection token of the {@link Clock}. */
export const CLOCK = Symbol('CLOCK');

/** The one clock. Milliseconds since the epoch; the default is monotonic and anchored to the database's time. */
export interface Clock {
  now(): number;
  /**
   * Set while the time is in doubt, because the machine was suspended: guards wait for it. It resolves soon and never
   * rejects.
   */
  readonly settling?: Promise<void> | null;
  /**
   * Whether the time may be wrong by more than a moment: the database's clock was set, or seems to have been. Nobody is called a
   * thief by such a clock.
   */
  readonly isInDoubt?: boolean;
  /**
   * The database's time, asked of the database itself. A clock without it is its own authority: the store then writes the
   * times that it is given.
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
  /** As {@link PasswordHasher.hash} gave it; null: the user has no password, and logs in by other means. */
  readonly passwordHash: string | null;
  /** Random; every token minted under another one is dead. */
  readonly tokenVersion: string;
  /** Random; changes with the roles. Null or absent: they never changed. See {@link UserStore.setRoles}. */
  readonly rolesVersion?: string | null | undefined;
  readonly disabledAt: Date | null;
  /** When the user proved that the address is theirs; null or absent: not yet. */
  readonly emailVerifiedAt?: Date | null | undefined;
  readonly createdAt: Date;
  /** What else the store keeps of the user, such as the fields of the registration. Never shown by itself. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

/** A user to be stored. `roles` may be handed to a model as they are. */
export interface NewUser extends Omit<UserRecord, 'id' | 'disabledAt' | 'rolesVersion' | 'roles'> {
  readonly roles: string[];
}

/** Which users to list. Every condition that is given must hold. */
export interface UserQuery {
  /** How the address begins; normalised. */
  readonly emailPrefix?: string | undefined;
  readonly role?: string | undefined;
  readonly disabled?: boolean | undefined;
  /** Only users behind this one: its id; with `emailPrefix` its address. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Injection token of the {@link UserStore} in use. */
export const USER_STORE = Symbol('USER_STORE');

/** Where users live. A host that keeps its own user collection implements this; the default keeps `users`. */
export interface UserStore {
  findById(id: string): Promise<UserRecord | null>;
  /** @param email normalised */
  findByEmail(email: string): Promise<UserRecord | null>;
  /**
   * Stores `fields` beside the others, which they never replace.
   * @throws AuthError `EMAIL_TAKEN`, also where two registrations race; only if it is the address that is taken
   */
  create(user: NewUser): Promise<UserRecord>;
  /** Sets hash and token version if the version is still `ifTokenVersion`; false where it is not. */
  setPassword(
    id: string,
    change: { passwordHash: string; tokenVersion: string; ifTokenVersion: string },
  ): Promise<boolean>;
  /** Replaces a hash by a stronger one of the same password, if it is still `ifPasswordHash`. */
  upgradePasswordHash(id: string, change: { passwordHash: string; ifPasswordHash: string }): Promise<void>;
  /** Sets the token version and gives the one it replaced; null where there is no such user. */
  replaceTokenVersion(id: string, tokenVersion: string): Promise<string | null>;
  /** Disables (a date) or enables (null). False where there is no such user. */
  setDisabledAt(id: string, disabledAt: Date | null): Promise<boolean>;
  /** Keeps when the address was first proved. Needed for `emailVerification: 'required'` alone. */
  setEmailVerifiedAt?(id: string, emailVerifiedAt: Date): Promise<void>;
  /**
   * Sets the roles, unless they are left out, together with another `rolesVersion`. Needed to change roles.
   * @returns the version that it replaced, null where there was none; null where there is no such user
   */
  setRoles?(id: string, change: RolesChange): Promise<{ readonly rolesVersion: string | null } | null>;
  /**
   * Replaces the address, if it is still `ifEmail`, by one that was verified. Needed to change addresses.
   * @returns false where it is not
   * @throws AuthError `EMAIL_TAKEN`
   */
  setEmail?(id: string, change: EmailChange): Promise<boolean>;
  /**
   * Users by address where `emailPrefix` is given, otherwise the newest first. Needed for the list of users, and to know
   * the last administrator.
   */
  list?(query: UserQuery): Promise<UserRecord[]>;
  /** Removes a user for good; false where there is none. Needed to delete accounts. */
  remove?(id: string): Promise<boolean>;
}

export interface RolesChange {
  /** Left out: they stay as they are. */
  readonly roles?: readonly string[] | undefined;
  readonly rolesVersion: string;
}

export interface EmailChange {
  /** Normalised. */
  readonly email: string;
  readonly ifEmail: string;
  readonly emailVerifiedAt: Date;
}

/** Who causes a hash, for a hasher that shares its time between them. */
export interface HashRequester {
  /** IPv4 address, or the /64 of an IPv6 one. */
  readonly address: string;
  /** Normalised e-mail address; such an account need not exist. */
  readonly account: string;
}

/** Slow hashing of passwords. The default is bcrypt. */
export interface PasswordHasher {
  hash(password: string, requester?: HashRequester): Promise<string>;
  /** Never throws on a hash of unknown form: that is `false`. */
  verify(password: string, stored: string, requester?: HashRequester): Promise<boolean>;
  /** Whether `stored` is weaker than what {@link hash} makes now. */
  needsUpgrade(stored: string): boolean;
}

/**
 * Knows the hashes of another system, so that its users can log in with their passwords. The next login replaces such a
 * hash by one of the {@link PasswordHasher}.
 */
export interface PasswordVerifier {
  /** Whether it is a hash of this kind; decides by its form, in no time. */
  matches(hash: string): boolean;
  /** Never throws on a hash of unknown form: that is `false`. */
  verify(password: string, hash: string): Promise<boolean>;
}

/** Whether a password is known from a breach. The library ships `PwnedPasswordsBreachChecker`. */
export interface BreachChecker {
  /**
   * Asked about new passwords that the offline rules let pass. What it throws is logged, so no password may stand in it;
   * the password then counts as not breached, as it does when the answer is late.
   * @param password normalised: NFKC
   * @param signal aborted when the answer is no longer waited for (`password.breachCheckTimeout`)
   */
  isBreached(password: string, signal: AbortSignal): Promise<boolean>;
}

/**
 * Sends mail to users: the library says what happened, in which words and by which way is the mailer's. Called off the
 * path of requests, a few messages at once.
 */
export interface Mailer {
  /**
   * Resolves when the message was handed over. What it throws is tried again for some minutes, but for a
   * `MailRefusedError`; of an error only its name and code are logged, since its words may quote an address.
   * @param signal aborted when the attempt is no longer waited for (30 s, or the process stops)
   */
  send(message: MailMessage, signal: AbortSignal): Promise<void>;
}

/**
 * `jti:<id>` one access token, `sid:<id>` a session, `gen:<session id>.<generation>` one generation of a session,
 * `ver:<retired token version>` all earlier tokens of a user, `rol:<retired version of roles>` those of a user's tokens that
 * name the roles as they were (the user id where they had never changed).
 */
export type RevocationKey =
  `jti:${string}` | `sid:${string}` | `gen:${string}` | `ver:${string}` | `rol:${string}`;

export interface RevocationEntry {
  readonly key: RevocationKey;
  /** When every token it concerns has expired by itself. */
  readonly expiresAt: Date;
}

/** What a read of the feed saw; opaque, handed back to the next read. */
export type RevocationMark = { readonly at: Date };

/** Where revocations are shared between processes. */
export interface RevocationStore {
  /**
   * Set where a failover may lose entries that were added. Every process then compares what it knows with each full read,
   * and adds again what is missing.
   */
  readonly canLoseEntries?: boolean;
  /**
   * Durable when it resolves. Safe to repeat; a shorter life never cuts a longer one.
   * @param now the time by the clock that `expiresAt` was set by, for a store that expires by remaining life
   */
  add(entries: readonly RevocationEntry[], now: Date): Promise<void>;
  /**
   * Entries written since an earlier read, or every live one. May repeat entries, never leaves one out that was
   * durable before the read began.
   */
  read(since: RevocationMark | null): Promise<{ entries: RevocationEntry[]; mark: RevocationMark }>;
  /** Whether one of the keys is listed, asked of the store itself: mode `strict` does so at each guarded request. */
  hasAny(keys: readonly RevocationKey[]): Promise<boolean>;
  /**
   * Reports entries as any process writes them; without it the store is polled. Once it has resolved, no durable entry may
   * be missed silently: a watch that can no longer guarantee this reports itself as lost. Null: this store can never watch.
   * Rejects if it cannot watch now; it is asked again.
   */
  watch?(observer: RevocationObserver): Promise<RevocationWatch | null>;
}

/** Who follows a {@link RevocationStore}. */
export interface RevocationObserver {
  /** May repeat what was told or read before. */
  entriesAdded(entries: readonly RevocationEntry[]): void;
  /** Entries may have been missed and no more will be told: the list is read again, and a new watch begun. */
  watchLost(reason: unknown): void;
}

/** A watch that has begun. */
export interface RevocationWatch {
  /** For the log, such as `change stream`. */
  readonly description: string;
  /** Lets go of cursors and connections; nothing is told afterwards. */
  close(): Promise<void>;
}
