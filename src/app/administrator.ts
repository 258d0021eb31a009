import { randomBytes } from 'node:crypto';
import { AuthError, UsersService } from '../index.js';
import type { AppConfig } from './config.js';

/** The credentials of an administrator that was just made; to be shown once, on the terminal, never logged. */
export interface MadeAdministrator {
  readonly email: string;
  /** Null where the operator chose it. */
  readonly password: string | null;
}

/** Makes the configured administrator, unless there is such a user already. */
export async function seedAdministrator(
  users: UsersService,
  admin: AppConfig['admin'],
): Promise<MadeAdministrator | null> {
  if (!admin || (await users.findByEmail(admin.email))) return null;
  const password = admin.password ?? randomBytes(15).toString('base64url');
  try {
    await users.register({ email: admin.email, password, name: 'Administrator', roles: ['admin', 'user'] });
  } catch (error) {
    // Another instance that starts at the same time was faster.
    if (error instanceof AuthError && error.code === 'EMAIL_TAKEN') return null;
    throw error;
  }
  return { email: admin.email, password: admin.password === null ? password : null };
}
