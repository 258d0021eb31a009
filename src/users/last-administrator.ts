import { AuthError } from '../core/errors.js';
import type { UserRecord } from '../core/ports.js';
import { ADMINISTRATOR_ROLE } from '../core/roles.js';
import type { UsersService } from './users.service.js';

/**
 * Whether no other user is an administrator who can log in. Usually reads two users, with an index that contains only
 * administrators; reads on if the list ends early. False for a store that cannot list users.
 */
export async function isLastAdministrator(
  users: UsersService,
  { id, roles }: Pick<UserRecord, 'id' | 'roles'>,
): Promise<boolean> {
  if (!roles.includes(ADMINISTRATOR_ROLE) || !users.canList) return false;
  let after: string | undefined;
  for (;;) {
    const found = await users.list({ role: ADMINISTRATOR_ROLE, disabled: false, limit: 2, after });
    if (found.users.some((user) => user.id !== id)) return false;
    // A store that does not move on has nobody else either.
    if (found.after === undefined || found.after === after) return true;
    after = found.after;
  }
}

/** A change after which a user is no longer an administrator who can log in. */
export interface AdministratorLoss<Outcome> {
  /** The answer if the user is the last administrator. */
  readonly refusal: string;
  readonly make: () => Promise<Outcome>;
  /** Restores the user as they were. */
  readonly undo: () => Promise<unknown>;
}

/**
 * Makes the change, unless the user is the last administrator. Two administrators may do it to each other at the same time:
 * each change then still sees the other administrator. So it looks again afterwards, and undoes the change if nobody is left.
 * At least one administrator remains; both changes may be refused.
 * @throws AuthError `FORBIDDEN`
 */
export async function unlessLastAdministrator<Outcome>(
  users: UsersService,
  user: UserRecord,
  { refusal, make, undo }: AdministratorLoss<Outcome>,
): Promise<Outcome> {
  // They cannot log in, so nothing is lost. An undo would let them log in.
  if (user.disabledAt) return make();
  const assertAnother = async () => {
    if (await isLastAdministrator(users, user)) throw new AuthError('FORBIDDEN', { message: refusal });
  };
  await assertAnother();
  const outcome = await make();
  await assertAnother().catch(async (error: unknown) => {
    await undo();
    throw error;
  });
  return outcome;
}
