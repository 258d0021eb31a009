import { randomBytes } from 'node:crypto';
import {
  ADMINISTRATOR_ROLE,
  AuthError,
  ConfigurationError,
  type UserRecord,
  UsersService,
} from 'nestjs-silent-auth';
import type { AppConfig } from './config/config.js';

/** The credentials of an administrator that was just created: shown once, on the terminal, never logged. */
export interface CreatedAdministrator {
  readonly outcome: 'made';
  readonly email: string;
  /** Null if the operator chose it. */
  readonly password: string | null;
}

/** The user exists already and is not changed, except that an administrator's address counts as verified. */
export interface FoundUser {
  readonly outcome: 'found';
  readonly email: string;
  readonly isAdministrator: boolean;
  /** Whether `ADMIN_PASSWORD` differs from the user's password. */
  readonly isPasswordIgnored: boolean;
}

/**
 * Creates the configured administrator, unless the user exists already.
 * @throws ConfigurationError if the password is refused
 */
export async function seedAdministrator(
  users: UsersService,
  admin: AppConfig['admin'],
): Promise<CreatedAdministrator | FoundUser | null> {
  if (!admin) return null;
  const user = await users.findByEmail(admin.email);
  if (user) return found(users, user, admin);
  const password = admin.password ?? randomBytes(15).toString('base64url');
  try {
    await users.register({
      email: admin.email,
      password,
      name: 'Administrator',
      roles: [ADMINISTRATOR_ROLE, 'user'],
      isEmailVerified: true,
    });
  } catch (error) {
    // Another instance that started at the same time was faster.
    if (error instanceof AuthError && error.code === 'EMAIL_TAKEN') return null;
    throw error instanceof AuthError && error.status === 400 ? passwordProblem(error) : error;
  }
  return { outcome: 'made', email: admin.email, password: admin.password === null ? password : null };
}

async function found(
  users: UsersService,
  user: UserRecord,
  { email, password }: NonNullable<AppConfig['admin']>,
): Promise<FoundUser> {
  const isAdministrator = user.roles.includes(ADMINISTRATOR_ROLE);
  // The account may be older than e-mail verification, with an address without a mailbox: keep the administrator
  // able to log in.
  if (isAdministrator && !user.emailVerifiedAt) await users.verifyEmail(user.id);
  const isPasswordIgnored = password !== null && !(await users.hasPassword(user, password));
  return { outcome: 'found', email, isAdministrator, isPasswordIgnored };
}

function passwordProblem({ message, fields = [] }: AuthError): ConfigurationError {
  const reason = [message, ...fields.map((problem) => `It ${problem.message}.`)].join(' ');
  return new ConfigurationError([
    { key: 'ADMIN_PASSWORD', value: '(secret)', fix: `${reason} Choose another one.` },
  ]);
}
