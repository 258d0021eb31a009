import type { UserRecord } from '../core/ports.js';
import type { UsersService } from './users.service.js';

/** The role that the routes of administrators require. */
export const ADMINISTRATOR = 'admin';

/**
 * Whether no other user is an administrator who can log in. Reads at most two users, with an index that contains only
 * administrators. False for a store that cannot list users.
 */
export async function isLastAdministrator(
  users: UsersService,
  { id, roles }: Pick<UserRecord, 'id' | 'roles'>,
): Promise<boolean> {
  if (!roles.includes(ADMINISTRATOR) || !users.canList) return false;
  let after: string | undefined;
  do {
    const found = await users.list({ role: ADMINISTRATOR, disabled: false, limit: 2, after });
    if (found.users.some((user) => user.id !== id)) return false;
    after = found.after;
  } while (after !== undefined);
  return true;
}
