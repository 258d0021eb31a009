import { AuthError } from '../../core/errors.js';
import type { UserRecord } from '../../core/ports.js';
import type { UsersService } from '../../users/users.service.js';

/** Longer than any id of a user store. */
const MAX_ID = 128;

/** The user with the id from a URL. @throws AuthError `NOT_FOUND` */
export async function knownUser(users: UsersService, id: string): Promise<UserRecord> {
  const user = id.length > MAX_ID ? null : await users.findById(id);
  if (!user) throw new AuthError('NOT_FOUND');
  return user;
}
