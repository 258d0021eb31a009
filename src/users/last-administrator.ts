import type { UserRecord } from '../core/ports.js';
import type { UsersService } from './users.service.js';

/** The role that the routes of administrators require. */
export const ADMINISTRATOR = 'admin';

/**
 * Whether no other user is an administrator who can log in. Usually reads two users, with an index that contains only
 * administrators; reads on if the list ends early. False for a store that cannot list users.
 */
export async function isLastAdministrator(
  users: UsersService,
  { id, roles }: Pick<UserRecord, 'id' | 'roles'>,
): Promise<boolean> {
  if (!roles.includes(ADMINISTRATOR) || !users.canList) return false;
  let after: string | undefined;
  for (;;) {
    const found = await users.list({ role: ADMINISTRATOR, disabled: false, limit: 2, after });
    if (found.users.some((user) => user.id !== id)) return false;
    // A store that does not move on has nobody else either.
    if (found.after === undefined || found.after === after) return true;
    after = found.after;
  }
}
