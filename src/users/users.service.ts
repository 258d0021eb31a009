import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { normalizeEmail } from '../core/email.js';
import { AuthError } from '../core/errors.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../core/options/resolve-options.js';
import type { Clock, NewUser, PasswordHasher, UserRecord, UserStore } from '../core/ports.js';
import { CLOCK } from '../database/database.module.js';
import { BreachCheck } from './breach-check.js';
import {
  assertNewPassword,
  assertPasswordLength,
  normalizePassword,
  type PasswordContext,
} from './password-policy.js';

/** Injection tokens of the ports in use. */
export const USER_STORE = Symbol('USER_STORE');
export const PASSWORD_HASHER = Symbol('PASSWORD_HASHER');

export interface Registration {
  readonly email: string;
  readonly password: string;
  readonly name?: string | undefined;
  /** @default ['user'] */
  readonly roles?: readonly string[];
  /**
   * Whether it is known that the address is his; whoever asked for it says so.
   * @default false
   */
  readonly isEmailVerified?: boolean;
}

export type PasswordCheck =
  | { readonly outcome: 'accepted'; readonly user: UserRecord }
  | { readonly outcome: 'unknown_user' }
  | { readonly outcome: 'wrong_password' | 'disabled'; readonly user: UserRecord };

/** Registration and credentials. Knows nothing of tokens and sessions. */
@Injectable()
export class UsersService implements OnModuleInit {
  /** A hash of nobody's password, so that an unknown e-mail costs the same time as a known one (OWASP ASVS 6.3.8). */
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
    this.decoyHash = await this.hasher.hash(newTokenVersion());
  }

  /**
   * Creates a user with a hashed password.
   * @throws AuthError `WEAK_PASSWORD`, `VALIDATION_FAILED` (password too long), `EMAIL_TAKEN`
   */
  async register(registration: Registration): Promise<UserRecord> {
    return this.create(await this.prepare(registration));
  }

  /**
   * A user that is not stored yet: what costs time, and what may be refused whether or not the address is taken.
   * @throws AuthError `WEAK_PASSWORD`, `VALIDATION_FAILED` (password too long)
   */
  async prepare(registration: Registration): Promise<NewUser> {
    const email = normalizeEmail(registration.email);
    const password = normalizePassword(registration.password);
    await this.assertAcceptable(password, { field: 'password', email, name: registration.name });
    const now = new Date(this.clock.now());
    return {
      email,
      name: registration.name,
      roles: registration.roles ?? ['user'],
      passwordHash: await this.hasher.hash(password),
      tokenVersion: newTokenVersion(),
      emailVerifiedAt: registration.isEmailVerified ? now : null,
      createdAt: now,
    };
  }

  /** @throws AuthError `EMAIL_TAKEN` */
  async create(user: NewUser): Promise<UserRecord> {
    return this.store.create(user);
  }

  /**
   * Checks credentials in the same time whether or not the e-mail is known.
   * @throws AuthError `VALIDATION_FAILED` (password too long)
   */
  async checkPassword(email: string, password: string): Promise<PasswordCheck> {
    const normalized = normalizePassword(password);
    assertPasswordLength(normalized, this.options.password, 'password');
    const user = await this.store.findByEmail(normalizeEmail(email));
    // Always one verification, so that the time tells nothing.
    const matches = await this.hasher.verify(normalized, user?.passwordHash ?? this.decoyHash);
    if (!user) return { outcome: 'unknown_user' };
    if (!matches) return { outcome: 'wrong_password', user };
    if (user.disabledAt) return { outcome: 'disabled', user };
    if (this.hasher.needsUpgrade(user.passwordHash)) await this.upgradeHash(user, normalized);
    return { outcome: 'accepted', user };
  }

  /** The password was right: whatever keeps its hash from being replaced now does not keep its owner out. */
  private async upgradeHash(user: UserRecord, password: string): Promise<void> {
    try {
      const passwordHash = await this.hasher.hash(password);
      await this.store.upgradePasswordHash(user.id, { passwordHash, ifPasswordHash: user.passwordHash });
    } catch (error) {
      this.logger.warn(`a password hash was not upgraded: ${String(error)}`);
    }
  }

  /**
   * Replaces the password and retires the token version. Ends nothing by itself: `AuthService.changePassword` does.
   * @returns the user as changed, and the version that every earlier token carries
   * @throws AuthError `INVALID_CREDENTIALS` (current password wrong), `ACCOUNT_DISABLED`, `WEAK_PASSWORD`,
   * `VALIDATION_FAILED`
   */
  async changePassword(
    userId: string,
    currentPassword: string,
    newPassword: string,
  ): Promise<{ user: UserRecord; retiredTokenVersion: string }> {
    const user = await this.store.findById(userId);
    const matches = await this.hasher.verify(
      normalizePassword(currentPassword),
      user?.passwordHash ?? this.decoyHash,
    );
    if (!user || !matches)
      throw new AuthError('INVALID_CREDENTIALS', { message: 'The current password is wrong.' });
    if (user.disabledAt) throw new AuthError('ACCOUNT_DISABLED');
    const password = normalizePassword(newPassword);
    await this.assertAcceptable(password, { field: 'newPassword', email: user.email, name: user.name });
    const change = { passwordHash: await this.hasher.hash(password), tokenVersion: newTokenVersion() };
    // Conditional on the version: of two changes at once the second is told that its current password is wrong.
    if (!(await this.setPassword(user, change)))
      throw new AuthError('INVALID_CREDENTIALS', { message: 'The current password is wrong.' });
    return { user: { ...user, ...change }, retiredTokenVersion: user.tokenVersion };
  }

  /**
   * Checks and hashes a new password for whoever has proved by mail that he is the user; {@link resetPassword} then sets it.
   * @throws AuthError `WEAK_PASSWORD`, `VALIDATION_FAILED` (password too long)
   */
  async prepareReset(user: UserRecord, newPassword: string): Promise<string> {
    const password = normalizePassword(newPassword);
    await this.assertAcceptable(password, { field: 'newPassword', email: user.email, name: user.name });
    return this.hasher.hash(password);
  }

  /**
   * Sets the password and puts `tokenVersion` in place of the user's, if that is still what he has. Ends nothing by itself:
   * `PasswordResetService.reset` does. False where it changed meanwhile.
   */
  async resetPassword(
    user: UserRecord,
    passwordHash: string,
    tokenVersion: string = newTokenVersion(),
  ): Promise<boolean> {
    return this.setPassword(user, { passwordHash, tokenVersion });
  }

  /** Whether that is the user's password now. Says nothing of who may know it: no failure is counted. */
  async hasPassword(user: UserRecord, password: string): Promise<boolean> {
    return this.hasher.verify(normalizePassword(password), user.passwordHash);
  }

  private async setPassword(
    user: UserRecord,
    change: { passwordHash: string; tokenVersion: string },
  ): Promise<boolean> {
    try {
      return await this.store.setPassword(user.id, { ...change, ifTokenVersion: user.tokenVersion });
    } catch (error) {
      // Perhaps only the answer was lost. A hash is salted: if it is there, it was this change that brought it.
      const after = await this.store.findById(user.id).catch(() => null);
      if (after?.passwordHash === change.passwordHash) return true;
      throw error;
    }
  }

  /** Keeps that the address is the user's, where the store can. */
  async verifyEmail(userId: string): Promise<void> {
    await this.store.setEmailVerifiedAt?.(userId, new Date(this.clock.now()));
  }

  /** The rules that cost nothing first: what they refuse is not asked about elsewhere. */
  private async assertAcceptable(password: string, context: PasswordContext): Promise<void> {
    assertNewPassword(password, this.options.password, context);
    await this.breaches.assertUnknown(password);
  }

  async findById(id: string): Promise<UserRecord | null> {
    return this.store.findById(id);
  }

  async findByEmail(email: string): Promise<UserRecord | null> {
    return this.store.findByEmail(normalizeEmail(email));
  }

  /**
   * Replaces the token version. Ends nothing by itself: `AuthService.logoutEverywhere` does.
   * @returns the retired version; null where there is no such user
   */
  async retireTokenVersion(id: string): Promise<string | null> {
    return this.store.replaceTokenVersion(id, newTokenVersion());
  }

  /** Ends nothing by itself: `AuthService.disableUser` does. False where there is no such user. */
  async setDisabled(id: string, disabled: boolean): Promise<boolean> {
    return this.store.setDisabledAt(id, disabled ? new Date(this.clock.now()) : null);
  }
}

/** Random, not a counter: two changes at once cannot produce the same version. */
function newTokenVersion(): string {
  return randomBytes(12).toString('base64url');
}
