import { Injectable } from '@nestjs/common';
import { AuthError } from '../../core/errors.js';
import type { UserList, UserRecord } from '../../core/ports.js';
import { ADMINISTRATOR_ROLE } from '../../core/roles.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { unlessLastAdministrator } from '../../users/last-administrator.js';
import { UsersService } from '../../users/users.service.js';
import { UserRemovalService } from '../account/user-removal.service.js';
import { AuthService } from '../session/auth.service.js';
import { type UserAnswer, userAnswer } from '../session/dto/answers.js';
import type { Administrator } from './admin.service.js';
import { knownUser } from './known-user.js';
import type { UsersQueryDto } from './users.dto.js';

/** A user as an administrator sees them. */
export interface AdminUserAnswer extends UserAnswer {
  readonly createdAt: Date;
  /** Null if the address is not verified. */
  readonly emailVerifiedAt: Date | null;
  /** Null if the user may log in. */
  readonly disabledAt: Date | null;
  readonly hasPassword: boolean;
}

export interface UserPage {
  readonly items: readonly AdminUserAnswer[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

const DEFAULT_LIMIT = 50;

/**
 * User management for administrators: find users, set their roles, unlock and delete them. The guard of the route checks
 * the role. Every action is reported with the administrator's id.
 */
@Injectable()
export class UserAdminService {
  constructor(
    private readonly users: UsersService,
    private readonly auth: AuthService,
    private readonly removal: UserRemovalService,
    private readonly throttle: ThrottleService,
    private readonly events: AuthEventBus,
  ) {}

  /**
   * Lists users whose address begins with `email`, sorted by address; without `email`, all users, the newest first. With
   * `role` or `disabled`, at most 10,000 users are looked at: the page may then be short, even empty, and have a cursor.
   * @throws AuthError `VALIDATION_FAILED` (an invalid cursor), `NOT_FOUND` (the store cannot list users)
   */
  async list(query: UsersQueryDto, { id: by, source }: Administrator): Promise<UserPage> {
    if (!this.users.canList) throw new AuthError('NOT_FOUND');
    const limit = Number(query.limit ?? DEFAULT_LIMIT);
    const found = await this.users.list({
      emailPrefix: query.email,
      role: query.role,
      disabled: query.disabled === undefined ? undefined : query.disabled === 'true',
      after: query.cursor === undefined ? undefined : readCursor(query.cursor),
      limit: limit + 1,
    });
    void this.events.emit('records.viewed', { records: 'users', userId: null, by, source });
    const { items, next } = pageOf(found, limit, query.email !== undefined);
    return next === undefined ? { items } : { items, nextCursor: toCursor(next) };
  }

  /** @throws AuthError `NOT_FOUND` */
  async find(userId: string, { id: by, source }: Administrator): Promise<AdminUserAnswer> {
    const user = await knownUser(this.users, userId);
    void this.events.emit('records.viewed', { records: 'users', userId: user.id, by, source });
    return adminUserAnswer(user);
  }

  /**
   * Sets a user's roles; see `AuthService.setRoles`. Administrators cannot change their own roles, and the last administrator
   * keeps the role.
   * @throws AuthError `NOT_FOUND`, `FORBIDDEN`, `VALIDATION_FAILED`
   */
  async setRoles(
    userId: string,
    roles: readonly string[],
    { id: by, source }: Administrator,
  ): Promise<AdminUserAnswer> {
    const user = await knownUser(this.users, userId);
    if (user.id === by)
      throw new AuthError('FORBIDDEN', { message: 'Administrators cannot change their own roles.' });
    const set = (to: readonly string[]) => this.auth.setRoles(user.id, to, source, by);
    const isSet = roles.includes(ADMINISTRATOR_ROLE)
      ? await set(roles)
      : await unlessLastAdministrator(this.users, user, {
          refusal: 'The last administrator must keep the role.',
          make: () => set(roles),
          undo: () => set(user.roles),
        });
    if (!isSet) throw new AuthError('NOT_FOUND');
    return adminUserAnswer({ ...user, roles: [...roles] });
  }

  /**
   * Deletes a user permanently; see `UserRemovalService`. Refuses the calling administrator, and the last administrator.
   * @throws AuthError `NOT_FOUND`, `FORBIDDEN`
   */
  async remove(userId: string, { id: by, source }: Administrator): Promise<void> {
    if (!this.removal.isPossible) throw new AuthError('NOT_FOUND');
    const user = await knownUser(this.users, userId);
    if (user.id === by)
      throw new AuthError('FORBIDDEN', { message: 'Administrators cannot delete themselves here.' });
    if (!(await this.removal.removeUnlessLast(user, source, by))) throw new AuthError('NOT_FOUND');
  }

  /** Removes the lockout of a user after too many wrong passwords, from any origin. @throws AuthError `NOT_FOUND` */
  async unlock(userId: string, { id: by, source }: Administrator): Promise<void> {
    const user = await knownUser(this.users, userId);
    await this.throttle.unlock(user.email);
    void this.events.emit('user.unlocked', { userId: user.id, by, source });
  }
}

/**
 * Makes a page of a list.
 * @param found one more user than the page has, if there are more
 * @returns `next` is the address or id after which the next page begins; absent on the last page
 */
export function pageOf(
  { users, after }: UserList,
  limit: number,
  isByEmail: boolean,
): { readonly items: AdminUserAnswer[]; readonly next?: string } {
  const page = users.slice(0, limit);
  const last = page.at(-1);
  const items = page.map(adminUserAnswer);
  if (last && users.length > limit) return { items, next: isByEmail ? last.email : last.id };
  return after === undefined ? { items } : { items, next: after };
}

export function adminUserAnswer(user: UserRecord): AdminUserAnswer {
  const { createdAt, emailVerifiedAt, disabledAt, passwordHash } = user;
  return {
    ...userAnswer(user),
    createdAt,
    emailVerifiedAt: emailVerifiedAt ?? null,
    disabledAt,
    hasPassword: passwordHash !== null,
  };
}

/** A position in the list, opaque to clients. */
function toCursor(position: string): string {
  return Buffer.from(position).toString('base64url');
}

function readCursor(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString();
  if (position !== '' && toCursor(position) === cursor) return position;
  throw new AuthError('VALIDATION_FAILED', {
    fields: [{ field: 'cursor', message: 'cursor must be the nextCursor of another page' }],
  });
}
