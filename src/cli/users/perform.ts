import { UserRemovalService } from '../../auth/account/user-removal.service.js';
import { adminUserAnswer, pageOf } from '../../auth/admin/user-admin.service.js';
import { AuthService } from '../../auth/session/auth.service.js';
import { normalizeEmail } from '../../core/email.js';
import type { UserRecord } from '../../core/ports.js';
import { ADMINISTRATOR_ROLE } from '../../core/roles.js';
import { AuthEventBus } from '../../events/auth-event-bus.js';
import type { AuthOptions } from '../../options/auth-options.js';
import { ThrottleService } from '../../throttle/throttle.service.js';
import { isLastAdministrator } from '../../users/last-administrator.js';
import { UsersService } from '../../users/users.service.js';
import { type LibraryContext, withLibrary } from '../open-database.js';
import { type UserAct, UserRefusedError, type UserRequest, type UsersAnswer } from './user-request.js';

type UserCommand = Exclude<UserAct, { command: 'list' }>;

/** @throws UserRefusedError, AuthError, DatabaseChoiceError, ConfigurationError */
export async function performOnUsers(
  { act, options, force }: UserRequest,
  variables: NodeJS.ProcessEnv,
): Promise<UsersAnswer> {
  const value = (name: string) => variables[name]?.trim() || undefined;
  const isReading = act.command === 'list' || act.command === 'show';
  // A running service would still accept the access tokens.
  if (!isReading && value('REVOCATION_STORE') === 'redis')
    throw new UserRefusedError(
      'Revocations are in Redis (REVOCATION_STORE), which this command does not write to: use the administrator routes.',
    );
  const settings: Partial<AuthOptions> = {
    ...options,
    accessToken: { ttl: value('ACCESS_TOKEN_TTL') },
    audit: value('AUDIT') === 'off' ? false : { retention: value('AUDIT_RETENTION') },
    throttle: value('THROTTLE') === 'off' ? false : undefined,
  };
  return withLibrary(variables, isReading ? 'read' : 'write', settings, (context) =>
    act.command === 'list' ? list(context, act) : perform(context, act, force),
  );
}

async function list(
  context: LibraryContext,
  { email, limit, after, role, disabled }: Extract<UserAct, { command: 'list' }>,
): Promise<UsersAnswer> {
  const found = await context.get(UsersService).list({
    emailPrefix: email === undefined ? undefined : normalizeEmail(email),
    after,
    role,
    disabled,
    limit: limit + 1,
  });
  return pageOf(found, limit, email !== undefined);
}

async function perform(context: LibraryContext, act: UserCommand, force: boolean): Promise<UsersAnswer> {
  const users = context.get(UsersService);
  const user = await find(users, act.user);
  const endsRole = act.command === 'roles' && !act.roles.includes(ADMINISTRATOR_ROLE);
  if (!force && (endsRole || act.command === 'disable' || act.command === 'forget') && !user.disabledAt)
    if (await isLastAdministrator(users, user))
      throw new UserRefusedError('This user is the last administrator. Use --force to do it anyway.');
  await change(context, act, user);
  const after = act.command === 'forget' ? user : ((await users.findById(user.id)) ?? user);
  return { done: act.command, user: adminUserAnswer(after) };
}

async function change(context: LibraryContext, act: UserCommand, { id, email }: UserRecord): Promise<void> {
  const auth = context.get(AuthService);
  switch (act.command) {
    case 'show':
      return;
    case 'roles':
      await auth.setRoles(id, act.roles);
      return;
    case 'disable':
      await auth.disableUser(id);
      return;
    case 'enable':
      await auth.enableUser(id);
      return;
    case 'unlock':
      await context.get(ThrottleService).unlock(email);
      void context.get(AuthEventBus).emit('user.unlocked', { userId: id, by: null, source: null });
      return;
    case 'forget':
      await context.get(UserRemovalService).remove(id);
  }
}

async function find(users: UsersService, text: string): Promise<UserRecord> {
  const user = text.includes('@') ? await users.findByEmail(text) : await users.findById(text);
  if (user) return user;
  throw new UserRefusedError(`There is no user ${text}.`);
}
