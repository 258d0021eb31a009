import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { acceptEmail, normalizeEmail } from '../core/email.js';
import { AuthError } from '../core/errors.js';
import type { EventSource } from '../core/events.js';
import { clientAddress } from '../core/network.js';
import {
  CLOCK,
  type Clock,
  type HashRequester,
  type NewUser,
  type PasswordHasher,
  USER_STORE,
  type UserList,
  type UserQuery,
  type UserRecord,
  type UserStore,
} from '../core/ports.js';
import { assertRoles } from '../core/roles.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { BreachCheck } from './breach-check.js';
import {
  assertNewPassword,
  assertPasswordLength,
  normalizePassword,
  type PasswordContext,
} from './password-policy.js';
import { randomVersion } from './random-version.js';

/** Injection token of the {@link PasswordHasher} in use. */
export const PASSWORD_HASHER = Symbol('PASSWORD_HASHER');

export interface Registration {
  readonly email: string;
  readonly password: string;
  readonly name?: string | undefined;
  /** @default ['user'] */
  readonly roles?: readonly string[];
  /**
   * Whether the address is known to be the user's; the caller is responsible for this.
   * @default false
   */
  readonly isEmailVerified?: boolean;
  /** Additional fields to store with the user; `/auth/register` passes the validated `registration.fields`. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

/** A user for {@link UsersService.create}; only the address is required. */
export interface UserCreation {
  readonly email: string;
  readonly name?: string | undefined;
  /** @default ['user'] */
  readonly roles?: readonly string[];
  /**
   * In a form that the password hasher or one of `password.verifiers` knows; null: the user logs in by other means.
   * @default null
   */
  readonly passwordHash?: string | null;
  /**
   * When the user proved that the address is theirs; the caller is responsible for this.
   * @default null
   */
  readonly emailVerifiedAt?: Date | null | undefined;
  /** @default now */
  readonly createdAt?: Date;
  /** @default random */
  readonly tokenVersion?: string;
  /** Additional fields to store with the user. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

export type PasswordCheck =
  | { readonly outcome: 'accepted'; readonly user: UserRecord }
  | { readonly outcome: 'unknown_user' }
  | { readonly outcome: 'wrong_password' | 'no_password' | 'disabled'; readonly user: UserRecord };

/** A new password that the policy accepts, for an existing user. */
export interface AcceptedPassword {
  readonly user: UserRecord;
  /** Normalised. */
  readonly newPassword: string;
}

/** Registration and credentials. Independent of tokens and sessions. */
@Injectable()
export class UsersService implements OnModuleInit {
  /** Hash of a random password, verified for an unknown e-mail so that it takes as long as a known one (OWASP ASVS 6.3.8). */
  private decoyHash = '';
  private readonly logger = new Logger('UsersService');

  constructor(
    @Inject(AUTH_OPTIONS) private readonly options: ResolvedAuthOptions,
    @Inject(USER_STORE) private readonly store: UserStore,
    @Inject(PASSWORD_HASHER) private readonly hasher: PasswordHasher,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly breaches: BreachCheck,
  ) {}

  async onModuleInit(): Promise<void> {
    this.decoyHash = await this.hasher.hash(randomVersion());
  }

  /**
   * Creates a user with a hashed password.
   * @param source source of the request, here and below, by which hashing is shared fairly; null if there is no request
   * @throws AuthError `WEAK_PASSWORD`, `VALIDATION_FAILED` (invalid address, password too long), `EMAIL_TAKEN`
   */
  async register(registration: Registration, source: EventSource | null = null): Promise<UserRecord> {
    return this.create(await this.prepare(registration, source));
  }

  /**
   * Checks and hashes without storing. Takes the same time whether or not the address is taken.
   * @throws AuthError `WEAK_PASSWORD`, `VALIDATION_FAILED` (invalid address, password too long)
   */
  async prepare(registration: Registration, source: EventSource | null = null): Promise<NewUser> {
    const email = acceptEmail(registration.email);
    const password = normalizePassword(registration.password);
    await this.assertAcceptable(password, { field: 'password', email, name: registration.name });
    const now = new Date(this.clock.now());
    return {
      email,
      name: registration.name,
      roles: [...(registration.roles ?? ['user'])],
      passwordHash: await this.hasher.hash(password, requesterOf(email, source)),
      tokenVersion: randomVersion(),
      emailVerifiedAt: registration.isEmailVerified ? now : null,
      createdAt: now,
      ...(registration.fields && { fields: registration.fields }),
    };
  }

  /**
   * Stores a user without a registration: from a seed or an import, or a user of another login who has no password.
   * @throws AuthError `EMAIL_TAKEN`, `VALIDATION_FAILED` (invalid address or roles)
   *
   * @example
   * const user = await users.create({ email: 'ada@example.com', emailVerifiedAt: new Date() });
   * const grant = await auth.openSession(user.id, request, { amr: ['fed'] });
   */
  async create(given: UserCreation): Promise<UserRecord> {
    const { name, roles = ['user'], passwordHash = null, emailVerifiedAt = null, fields } = given;
    assertRoles(roles);
    return this.store.create({
      email: acceptEmail(given.email),
      name,
      roles: [...roles],
      passwordHash,
      tokenVersion: given.tokenVersion ?? randomVersion(),
      emailVerifiedAt,
      createdAt: given.createdAt ?? new Date(this.clock.now()),
      ...(fields && { fields }),
    });
  }

  /**
   * Checks credentials in the same time whether or not the e-mail is known.
   * @throws AuthError `VALIDATION_FAILED` (password too long)
   */
  async checkPassword(
    email: string,
    password: string,
    source: EventSource | null = null,
  ): Promise<PasswordCheck> {
    const normalized = normalizePassword(password);
    assertPasswordLength(normalized, this.options.password, 'password');
    const account = normalizeEmail(email);
    const user = await this.store.findByEmail(account);
    // Always one verification, so that the time reveals nothing.
    const stored = user?.passwordHash ?? this.decoyHash;
    const matches = await this.hasher.verify(normalized, stored, requesterOf(account, source));
    if (!user) return { outcome: 'unknown_user' };
    if (user.passwordHash === null) return { outcome: 'no_password', user };
    if (!matches) return { outcome: 'wrong_password', user };
    if (user.disabledAt) return { outcome: 'disabled', user };
    if (this.hasher.needsUpgrade(stored))
      await this.upgradeHash({ ...user, passwordHash: stored }, normalized, source);
    return { outcome: 'accepted', user };
  }

  /**
   * Replaces the password and retires the token version: {@link acceptNewPassword}, {@link confirmPassword} and
   * {@link replacePassword} in one. Does not end sessions; `AuthService.changePassword` does.
   * @returns the changed user, and the token version of all earlier tokens
   * @throws AuthError `INVALID_CREDENTIALS` (current password wrong), `PASSWORD_NOT_SET`, `ACCOUNT_DISABLED`,
   * `WEAK_PASSWORD`, `VALIDATION_FAILED`
   */
  async changePassword(
    userId: string,
    currentPassword: string,
    newPassword: string,
    source: EventSource | null = null,
  ): Promise<{ user: UserRecord; retiredTokenVersion: string }> {
    const accepted = await this.acceptNewPassword(userId, newPassword);
    await this.confirmPassword(accepted.user, currentPassword, source);
    return this.replacePassword(accepted, source);
  }

  /**
   * Checks a new password against the policy, before anything is hashed.
   * @throws AuthError `WEAK_PASSWORD`, `VALIDATION_FAILED` (password too long), `INVALID_CREDENTIALS` (no such user),
   * `PASSWORD_NOT_SET` (the user has no password to change)
   */
  async acceptNewPassword(userId: string, newPassword: string): Promise<AcceptedPassword> {
    const user = await this.store.findById(userId);
    if (!user) throw wrongCurrentPassword();
    // A session is not enough to set a first password: the thief of a session would keep the account.
    if (user.passwordHash === null) throw new AuthError('PASSWORD_NOT_SET');
    return this.acceptFor(user, newPassword);
  }

  /** @throws AuthError `INVALID_CREDENTIALS`, `ACCOUNT_DISABLED`; `TEMPORARILY_UNAVAILABLE` if nothing was hashed */
  async confirmPassword(
    user: UserRecord,
    currentPassword: string,
    source: EventSource | null = null,
  ): Promise<void> {
    if (!(await this.hasPassword(user, currentPassword, source))) throw wrongCurrentPassword();
    if (user.disabledAt) throw new AuthError('ACCOUNT_DISABLED');
  }

  /**
   * Stores an accepted password with a new token version.
   * @throws AuthError `INVALID_CREDENTIALS` if the password was changed meanwhile
   */
  async replacePassword(
    { user, newPassword }: AcceptedPassword,
    source: EventSource | null = null,
  ): Promise<{ user: UserRecord; retiredTokenVersion: string }> {
    const passwordHash = await this.hasher.hash(newPassword, requesterOf(user.email, source));
    const change = { passwordHash, tokenVersion: randomVersion() };
    // Conditional on the version: of two concurrent changes, the second gets "wrong password".
    if (!(await this.setPassword(user, change))) throw wrongCurrentPassword();
    return { user: { ...user, ...change }, retiredTokenVersion: user.tokenVersion };
  }

  /**
   * Sets a new password, together with `tokenVersion`, for a user who has proved by mail who they are. Does not end sessions;
   * `PasswordResetService.reset` does.
   * @returns false if the user's token version changed meanwhile
   * @throws AuthError `WEAK_PASSWORD`, `VALIDATION_FAILED` (password too long)
   */
  async resetPassword(
    user: UserRecord,
    newPassword: string,
    tokenVersion: string = randomVersion(),
    source: EventSource | null = null,
  ): Promise<boolean> {
    const accepted = await this.acceptFor(user, newPassword);
    const passwordHash = await this.hasher.hash(accepted.newPassword, requesterOf(user.email, source));
    return this.setPassword(user, { passwordHash, tokenVersion });
  }

  /** Whether this is the user's current password. A wrong one does not count as a failed attempt. */
  async hasPassword(user: UserRecord, password: string, source: EventSource | null = null): Promise<boolean> {
    const requester = requesterOf(user.email, source);
    const stored = user.passwordHash ?? this.decoyHash;
    return (
      (await this.hasher.verify(normalizePassword(password), stored, requester)) && user.passwordHash !== null
    );
  }

  /** Stores that the address is verified, if the store supports it. */
  async verifyEmail(userId: string): Promise<void> {
    await this.store.setEmailVerifiedAt?.(userId, new Date(this.clock.now()));
  }

  async findById(id: string): Promise<UserRecord | null> {
    return this.store.findById(id);
  }

  async findByEmail(email: string): Promise<UserRecord | null> {
    return this.store.findByEmail(normalizeEmail(email));
  }

  /**
   * Replaces the token version. Does not end sessions; `TokenVersions.retire` does.
   * @returns the retired version; null if there is no such user
   */
  async retireTokenVersion(id: string): Promise<string | null> {
    return this.store.replaceTokenVersion(id, randomVersion());
  }

  /** Does not end sessions; `AuthService.disableUser` does. False if there is no such user. */
  async setDisabled(id: string, disabled: boolean): Promise<boolean> {
    return this.store.setDisabledAt(id, disabled ? new Date(this.clock.now()) : null);
  }

  /**
   * Sets a new roles version and, if given, the roles. Does not revoke access tokens; `AuthService.setRoles` does.
   * @returns the version in earlier tokens, which is the user id if the roles had never changed; null if there is no such user
   * @throws Error if the store does not support it
   */
  async setRoles(id: string, roles?: readonly string[]): Promise<string | null> {
    const { store } = this;
    if (!store.setRoles) throw storeLacks('setRoles', 'change roles, and to renew access tokens');
    const change = { rolesVersion: randomVersion(), ...(roles && { roles: [...roles] }) };
    const replaced = await store.setRoles(id, change);
    return replaced && (replaced.rolesVersion ?? id);
  }

  /** Whether users can be listed; a store of the host may not support it. */
  get canList(): boolean {
    return this.store.list !== undefined;
  }

  /** @throws Error if the store does not support it */
  async list(query: UserQuery): Promise<UserList> {
    if (!this.store.list) throw storeLacks('list', 'list users');
    const found = await this.store.list(query);
    return Array.isArray(found) ? { users: found } : found;
  }

  /** Whether users can be removed; a store of the host may not support it. */
  get canRemove(): boolean {
    return this.store.remove !== undefined;
  }

  /** Removes only the user. False if there is none. @throws Error if the store does not support it */
  async remove(id: string): Promise<boolean> {
    if (!this.store.remove) throw storeLacks('remove', 'delete users');
    return this.store.remove(id);
  }

  /** Whether addresses can be changed; a store of the host may not support it. */
  get canSetEmail(): boolean {
    return this.store.setEmail !== undefined;
  }

  /**
   * Replaces the address by a verified one, if it is still the one of `user`.
   * @throws AuthError `EMAIL_TAKEN`; Error if the store does not support it
   */
  async setEmail(user: UserRecord, email: string): Promise<boolean> {
    if (!this.store.setEmail) throw storeLacks('setEmail', 'change addresses');
    const emailVerifiedAt = new Date(this.clock.now());
    return this.store.setEmail(user.id, { email, ifEmail: user.email, emailVerifiedAt });
  }

  /** Applies the offline rules first: what they refuse is not sent to the breach checker. */
  private async assertAcceptable(password: string, context: PasswordContext): Promise<void> {
    assertNewPassword(password, this.options.password, context);
    await this.breaches.assertUnknown(password);
  }

  private async acceptFor(user: UserRecord, newPassword: string): Promise<AcceptedPassword> {
    const password = normalizePassword(newPassword);
    const { email, name } = user;
    await this.assertAcceptable(password, { field: 'newPassword', email, name });
    return { user, newPassword: password };
  }

  private async setPassword(
    user: UserRecord,
    change: { passwordHash: string; tokenVersion: string },
  ): Promise<boolean> {
    try {
      return await this.store.setPassword(user.id, { ...change, ifTokenVersion: user.tokenVersion });
    } catch (error) {
      // Perhaps only the answer was lost. Hashes are salted, so if this hash is stored, this change stored it.
      const after = await this.store.findById(user.id).catch(() => null);
      if (after?.passwordHash === change.passwordHash) return true;
      throw error;
    }
  }

  /** Logs errors only: the password was right, so a failed upgrade must not refuse the login. */
  private async upgradeHash(
    user: UserRecord & { readonly passwordHash: string },
    password: string,
    source: EventSource | null,
  ): Promise<void> {
    try {
      const passwordHash = await this.hasher.hash(password, requesterOf(user.email, source));
      await this.store.upgradePasswordHash(user.id, { passwordHash, ifPasswordHash: user.passwordHash });
    } catch (error) {
      this.logger.warn(`a password hash was not upgraded: ${String(error)}`);
    }
  }
}

function requesterOf(account: string, source: EventSource | null): HashRequester | undefined {
  return source ? { account, address: clientAddress(source.ip) } : undefined;
}

function wrongCurrentPassword(): AuthError {
  return new AuthError('INVALID_CREDENTIALS', { message: 'The current password is wrong.' });
}

function storeLacks(method: string, purpose: string): Error {
  return new Error(`the userStore needs the method ${method} to ${purpose}`);
}
