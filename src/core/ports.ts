import type { MailMessage } from './mail.js';

/** The one clock. Milliseconds since the epoch; the default is monotonic and anchored to the database's time. */
export interface Clock {
  now(): number;
}

/** A user as the library needs it. */
export interface UserRecord {
  readonly id: string;
  /** Normalised: trimmed, NFKC, lower case. */
  readonly email: string;
  readonly name?: string | undefined;
  readonly roles: readonly string[];
  /** As {@link PasswordHasher.hash} gave it. */
  readonly passwordHash: string;
  /** Random; every token minted under another one is dead. */
  readonly tokenVersion: string;
  readonly disabledAt: Date | null;
  /** When the user proved that the address is his; null or absent: not yet. */
  readonly emailVerifiedAt?: Date | null | undefined;
  readonly createdAt: Date;
}

export type NewUser = Omit<UserRecord, 'id' | 'disabledAt'>;

/** Where users live. A host that keeps its own user collection implements this; the default keeps `users`. */
export interface UserStore {
  findById(id: string): Promise<UserRecord | null>;
  /** @param email normalised */
  findByEmail(email: string): Promise<UserRecord | null>;
  /** @throws AuthError `EMAIL_TAKEN`, also where two registrations race */
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
}

/** Slow hashing of passwords. The default is bcrypt. */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /** Never throws on a hash of unknown form: that is `false`. */
  verify(password: string, stored: string): Promise<boolean>;
  /** Whether `stored` is weaker than what {@link hash} makes now. */
  needsUpgrade(stored: string): boolean;
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
 * `ver:<retired token version>` all earlier tokens of a user.
 */
export type RevocationKey = `jti:${string}` | `sid:${string}` | `gen:${string}` | `ver:${string}`;

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
   * Tells of entries as they are written, by whatever process; without it the store is polled. Once it has resolved,
   * nothing that becomes durable may be missed unsaid: where that cannot be vouched for any longer, the watch is lost.
   * Null: this store cannot, now or later. Rejects where it cannot now; it is asked again.
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
